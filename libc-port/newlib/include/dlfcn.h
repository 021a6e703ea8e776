/* Programs are linked statically: dlopen always fails, and dlerror says so. */
#ifndef _DLFCN_H
#define _DLFCN_H

#define RTLD_LAZY    1
#define RTLD_NOW     2
#define RTLD_GLOBAL  4
#define RTLD_LOCAL   0
#define RTLD_DEFAULT ((void *)0)

#ifdef __cplusplus
extern "C" {
#endif
void *dlopen(const char *file, int mode);
void *dlsym(void *__restrict handle, const char *__restrict name);
int dlclose(void *handle);
char *dlerror(void);
#ifdef __cplusplus
}
#endif

#endif
