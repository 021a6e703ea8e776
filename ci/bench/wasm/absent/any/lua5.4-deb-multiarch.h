/* What Debian's package makes while it is built; only the paths of modules contain it. */
#define DEB_HOST_MULTIARCH "none"
