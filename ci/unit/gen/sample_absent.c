// The requests of io that the sample server does not serve.
#include <proto/sample_server.h>

#define ABSENT(name)                                                                           \
    enum status sample_on_##name(struct request *r, const struct io_##name##_in *in,           \
                                 struct io_##name##_out *out)                                  \
    {                                                                                          \
        (void)r, (void)in, (void)out;                                                          \
        return E_NOTSUP;                                                                       \
    }
ABSENT(read)
ABSENT(close)
ABSENT(duplicate)
ABSENT(status)
ABSENT(set_flags)
ABSENT(watch)
ABSENT(ready)
ABSENT(seek)
ABSENT(inherit)
ABSENT(grant)
