/* Clocks, environment, identity, random bytes, regular expressions, mathematics, TLS. */
#include <fenv.h>
#include <fnmatch.h>
#include <glob.h>
#include <libgen.h>
#include <locale.h>
#include <math.h>
#include <pwd.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include "test.h"

static double seconds(clockid_t clock)
{
    struct timespec now;
    CHECK(clock_gettime(clock, &now) == 0 && now.tv_nsec >= 0 && now.tv_nsec < 1000000000);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

void test_time(void)
{
    double before = seconds(CLOCK_MONOTONIC);
    CHECK(nanosleep(&(struct timespec){0, 50000000}, NULL) == 0);
    double slept = seconds(CLOCK_MONOTONIC) - before;
    CHECK(slept >= 0.05 && slept < 5);
    CHECK(usleep(1000) == 0 && sleep(0) == 0);
    CHECK_ERROR(nanosleep(&(struct timespec){0, 1000000000}, NULL), EINVAL);
    CHECK(seconds(CLOCK_REALTIME) > 1500000000.0);
    struct timeval now;
    CHECK(gettimeofday(&now, NULL) == 0 && labs((long)(now.tv_sec - time(NULL))) <= 1);
    CHECK(seconds(CLOCK_PROCESS_CPUTIME_ID) > 0 && clock() > 0);
    CHECK(seconds(CLOCK_THREAD_CPUTIME_ID) > 0);
    CHECK_ERROR(clock_gettime((clockid_t)99, &(struct timespec){0, 0}), EINVAL);
    struct tm date = {.tm_year = 126, .tm_mon = 10, .tm_mday = 22, .tm_hour = 12};
    CHECK(mktime(&date) == 1795348800 && date.tm_wday == 0);
    char text[32];
    CHECK(strftime(text, sizeof text, "%Y-%m-%d %a", &date) == 14);
    CHECK(strcmp(text, "2026-11-22 Sun") == 0);
}

static void test_environment(void)
{
    CHECK(setenv("A", "1", 0) == 0 && strcmp(getenv("A"), "1") == 0);
    CHECK(setenv("A", "2", 0) == 0 && strcmp(getenv("A"), "1") == 0);
    CHECK(setenv("A", "2", 1) == 0 && strcmp(getenv("A"), "2") == 0);
    CHECK(unsetenv("A") == 0 && !getenv("A"));
    CHECK(sysconf(_SC_PAGESIZE) == 4096 && sysconf(_SC_OPEN_MAX) == 256);
    CHECK_ERROR(sysconf(9999), EINVAL);
    struct utsname name;
    CHECK(uname(&name) == 0 && strcmp(name.sysname, "Pith") == 0);
    CHECK(getuid() == 0 && getpwuid(0) && strcmp(getpwuid(0)->pw_dir, "/") == 0);
    unsigned char a[40] = {0}, b[40] = {0};
    CHECK(getentropy(a, sizeof a) == 0 && getrandom(b, sizeof b, 0) == sizeof b);
    CHECK(memcmp(a, b, sizeof a) != 0);
    char path[] = "/a/b/", other[] = "/a/b/";
    CHECK(strcmp(basename(path), "b") == 0 && strcmp(dirname(other), "/a") == 0);
}

static void test_matching(void)
{
    regex_t expression;
    regmatch_t match[2];
    CHECK(regcomp(&expression, "b(c+)d", REG_EXTENDED) == 0);
    CHECK(regexec(&expression, "abccd", 2, match, 0) == 0 && match[1].rm_so == 2);
    CHECK(regexec(&expression, "abd", 0, NULL, 0) == REG_NOMATCH);
    regfree(&expression);
    CHECK(fnmatch("*.c", "x.c", 0) == 0 && fnmatch("*.c", "x.h", 0) == FNM_NOMATCH);
    fclose(fopen("g1", "w"));
    fclose(fopen("g2", "w"));
    glob_t found;
    CHECK(glob("g?", 0, NULL, &found) == 0 && found.gl_pathc == 2);
    CHECK(strcmp(found.gl_pathv[1], "g2") == 0);
    globfree(&found);
    CHECK(unlink("g1") == 0 && unlink("g2") == 0);
}

static _Thread_local int thread_local_value = 5;

static void test_mathematics(void)
{
    volatile double x = 2;
    volatile long double y = 2;
    CHECK(fabs(sqrt(x) - 1.4142135623730951) < 1e-15 && fabs(pow(x, 0.5) - sqrt(x)) < 1e-15);
    CHECK(fabsl(powl(y, 0.5L) - sqrtl(y)) < 1e-17L && floorl(-2.5L * y) == -5);
    CHECK(fmodl(7.5L, y) == 1.5L && lroundl(2.5L) == 3 && isinf(expl(1e6L)));
    CHECK(fesetround(FE_UPWARD) == 0 && nearbyint(1.2) == 2 && fesetround(FE_TONEAREST) == 0);
    CHECK(strtod("1e-320", NULL) > 0 && strtold("0.1", NULL) == 0.1L);
    CHECK(thread_local_value++ == 5 && thread_local_value == 6);
    wchar_t wide[8];
    CHECK(setlocale(LC_ALL, "C.UTF-8") && mbstowcs(wide, "h\xc3\xa9", 8) == 2);
    CHECK(wide[1] == 0xe9 && setlocale(LC_ALL, "C"));
}

void test_rest(void)
{
    test_environment();
    test_matching();
    test_mathematics();
}
