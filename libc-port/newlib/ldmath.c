/* Mathematics in x87's 80-bit long double, which newlib has for few functions only.
 * Linked into programs that call it. CMakeLists.txt lets the compiler use the x87's own
 * instructions here (-funsafe-math-optimizations), so that most functions are the builtin of
 * the same name; infinities and NaNs still follow C. Where newlib has only a double version
 * of something rare (gamma, erf), the result has double precision: docs/reference/posix.md says
 * so. */
#include <math.h>
#include <stdint.h>

union parts {
    long double value;
    struct {
        uint64_t mantissa; /* bit 63 is the integer bit */
        uint16_t exponent; /* bit 15 is the sign; bias 16383 */
    } bits;
};

#define EXPONENT_MASK 0x7fff
#define EXPONENT_BIAS 16383

#define UNARY(name)                                                                            \
    long double name(long double x)                                                            \
    {                                                                                          \
        return __builtin_##name(x);                                                            \
    }

UNARY(acosl)
UNARY(asinl)
UNARY(atanl)
UNARY(ceill)
UNARY(fabsl)
UNARY(floorl)
UNARY(log10l)
UNARY(log1pl)
UNARY(log2l)
UNARY(logl)
UNARY(rintl)
UNARY(nearbyintl)
UNARY(roundl)
UNARY(sqrtl)
UNARY(truncl)

/* The x87 takes angles below 2^63; above, a long double has no fraction left anyway. */
#define CIRCULAR(name)                                                                         \
    long double name##l(long double x)                                                         \
    {                                                                                          \
        return __builtin_fabsl(x) < 0x1p63L ? __builtin_##name##l(x) : name((double)x);        \
    }

CIRCULAR(cos)
CIRCULAR(sin)
CIRCULAR(tan)

/* Far beyond the range the x87's sequence would give NaN. */
#define EXPONENTIAL(name, at_minus_infinity)                                                   \
    long double name(long double x)                                                            \
    {                                                                                          \
        if (__builtin_fabsl(x) > 17000) {                                                      \
            return x > 0 ? HUGE_VALL : at_minus_infinity;                                      \
        }                                                                                      \
        return __builtin_##name(x);                                                            \
    }

EXPONENTIAL(expl, 0)
EXPONENTIAL(exp2l, 0)

long double expm1l(long double x)
{
    if (__builtin_fabsl(x) > 17000 || x == 0) {
        return x < 0 ? -1 : x > 0 ? HUGE_VALL : x;
    }
    return __builtin_expm1l(x);
}

long double atan2l(long double y, long double x)
{
    return __builtin_atan2l(y, x);
}

long double copysignl(long double x, long double y)
{
    return __builtin_copysignl(x, y);
}

long double ldexpl(long double x, int n)
{
    return __builtin_ldexpl(x, n);
}

long double scalbnl(long double x, int n)
{
    return __builtin_ldexpl(x, n);
}

long double scalblnl(long double x, long n)
{
    return __builtin_ldexpl(x, n > 40000 ? 40000 : n < -40000 ? -40000 : (int)n);
}

long lrintl(long double x)
{
    return __builtin_lrintl(x);
}

long long llrintl(long double x)
{
    return __builtin_llrintl(x);
}

long lroundl(long double x)
{
    return __builtin_lrintl(__builtin_roundl(x));
}

long long llroundl(long double x)
{
    return __builtin_llrintl(__builtin_roundl(x));
}

/* Not a number, infinite or zero: what frexp, fmod and their like hand through. */
static int is_special(long double x)
{
    union parts p = {x};
    return (p.bits.exponent & EXPONENT_MASK) == EXPONENT_MASK || x == 0;
}

long double frexpl(long double x, int *exponent)
{
    *exponent = 0;
    if (is_special(x)) {
        return x;
    }
    union parts p = {x};
    int scaled = 0;
    if ((p.bits.exponent & EXPONENT_MASK) == 0) { /* subnormal */
        p.value = __builtin_ldexpl(x, 64);
        scaled = 64;
    }
    *exponent = (p.bits.exponent & EXPONENT_MASK) - (EXPONENT_BIAS - 1) - scaled;
    p.bits.exponent = (uint16_t)((p.bits.exponent & 0x8000) | (EXPONENT_BIAS - 1));
    return p.value;
}

int ilogbl(long double x)
{
    int exponent;
    if (x == 0) {
        return FP_ILOGB0;
    }
    if (is_special(x)) {
        return __builtin_isnan(x) ? FP_ILOGBNAN : __INT_MAX__;
    }
    frexpl(x, &exponent);
    return exponent - 1;
}

long double logbl(long double x)
{
    if (x == 0) {
        return -HUGE_VALL;
    }
    return is_special(x) ? x * x : ilogbl(x);
}

long double modfl(long double x, long double *whole)
{
    *whole = __builtin_truncl(x);
    return __builtin_copysignl(__builtin_isinf(x) ? 0 : x - *whole, x);
}

/* The x87 computes remainders exactly, but only of finite numbers. */
__attribute__((optimize("finite-math-only"))) static long double finite_fmod(long double x,
                                                                             long double y)
{
    return __builtin_fmodl(x, y);
}

__attribute__((optimize("finite-math-only"))) static long double finite_remainder(long double x,
                                                                                  long double y)
{
    return __builtin_remainderl(x, y);
}

/* What both remainders answer for operands that are not finite; 0 where they are. */
static int remainder_special(long double x, long double y, long double *result)
{
    if (__builtin_isnan(x) || __builtin_isnan(y) || __builtin_isinf(x) || y == 0) {
        *result = __builtin_isnan(x) ? x : __builtin_isnan(y) ? y : __builtin_nanl("");
        return 1;
    }
    if (__builtin_isinf(y) || x == 0) {
        *result = x;
        return 1;
    }
    return 0;
}

long double fmodl(long double x, long double y)
{
    long double result;
    return remainder_special(x, y, &result) ? result : finite_fmod(x, y);
}

long double remainderl(long double x, long double y)
{
    long double result;
    return remainder_special(x, y, &result) ? result : finite_remainder(x, y);
}

/* x to a whole power, by squaring. */
static long double whole_power(long double x, uint64_t n)
{
    long double result = 1;
    for (; n != 0; n >>= 1) {
        if (n & 1) {
            result *= x;
        }
        x *= x;
    }
    return result;
}

/* C17 F.10.4.4 */
long double powl(long double x, long double y)
{
    if (y == 0 || x == 1) {
        return 1;
    }
    if (__builtin_isnan(x) || __builtin_isnan(y)) {
        return x + y;
    }
    long double magnitude = __builtin_fabsl(y);
    int whole = __builtin_isinf(y) || __builtin_truncl(y) == y;
    int odd = whole && magnitude < 0x1p64L && ((uint64_t)magnitude & 1);
    if (whole && magnitude < 1024 && !is_special(x)) {
        long double power = whole_power(x, (uint64_t)magnitude);
        return y < 0 ? 1 / power : power;
    }
    long double base = __builtin_fabsl(x);
    if (x < 0 && !whole && !__builtin_isinf(x)) {
        return __builtin_nanl("");
    }
    long double result;
    if (base == 1) {
        result = 1;
    } else if (__builtin_isinf(y)) {
        result = (base > 1) == (y > 0) ? HUGE_VALL : 0;
    } else if (is_special(base)) {
        result = (base == 0) == (y > 0) ? 0 : HUGE_VALL;
    } else {
        result = exp2l(y * __builtin_log2l(base));
    }
    return odd ? __builtin_copysignl(result, x) : result;
}

long double cbrtl(long double x)
{
    if (is_special(x)) {
        return x;
    }
    int exponent;
    long double mantissa = frexpl(x, &exponent);
    int rest = exponent % 3;
    mantissa = __builtin_ldexpl(mantissa, rest);
    long double root = cbrt((double)mantissa);
    root -= (root - mantissa / (root * root)) / 3;
    return __builtin_ldexpl(root, (exponent - rest) / 3);
}

long double sinhl(long double x)
{
    long double e = expm1l(__builtin_fabsl(x));
    return __builtin_copysignl(__builtin_isinf(e) ? e : (e + e / (e + 1)) / 2, x);
}

long double coshl(long double x)
{
    long double e = expl(__builtin_fabsl(x));
    return (e + 1 / e) / 2;
}

long double tanhl(long double x)
{
    if (__builtin_fabsl(x) > 32) {
        return __builtin_copysignl(1, x);
    }
    long double e = __builtin_expm1l(2 * x);
    return x == 0 ? x : e / (e + 2);
}

long double asinhl(long double x)
{
    long double a = __builtin_fabsl(x);
    if (is_special(x)) {
        return x;
    }
    return __builtin_copysignl(
        a > 0x1p32L ? __builtin_logl(a) + 0.693147180559945309417232121458L
                    : __builtin_log1pl(a + a * a / (1 + __builtin_sqrtl(a * a + 1))),
        x);
}

long double acoshl(long double x)
{
    return x > 0x1p32L ? __builtin_logl(x) + 0.693147180559945309417232121458L
                       : __builtin_logl(x + __builtin_sqrtl(x * x - 1));
}

long double atanhl(long double x)
{
    return __builtin_log1pl(2 * x / (1 - x)) / 2;
}

long double nextafterl(long double x, long double y)
{
    if (__builtin_isnan(x) || __builtin_isnan(y)) {
        return x + y;
    }
    if (x == y) {
        return y;
    }
    union parts p = {x};
    if (x == 0) {
        p.bits.mantissa = 1;
        p.bits.exponent = y < 0 ? 0x8000 : 0;
    } else if ((x < y) == (x > 0)) { /* away from zero */
        if (++p.bits.mantissa == 0) {
            p.bits.mantissa = 1ull << 63;
            p.bits.exponent++;
        }
    } else if (p.bits.mantissa-- == 1ull << 63 && (p.bits.exponent & EXPONENT_MASK) != 0) {
        p.bits.exponent--;
        p.bits.mantissa |= (p.bits.exponent & EXPONENT_MASK) ? 1ull << 63 : 0;
    }
    return p.value;
}

long double fdiml(long double x, long double y)
{
    return __builtin_isnan(x) || __builtin_isnan(y) ? x + y : x > y ? x - y : 0;
}

long double fmaxl(long double x, long double y)
{
    return __builtin_isnan(x) ? y : __builtin_isnan(y) || x > y ? x : y;
}

long double fminl(long double x, long double y)
{
    return __builtin_isnan(x) ? y : __builtin_isnan(y) || x < y ? x : y;
}

long double erfl(long double x)
{
    return erf((double)x);
}

long double erfcl(long double x)
{
    return erfc((double)x);
}

long double lgammal(long double x)
{
    return lgamma((double)x);
}

long double tgammal(long double x)
{
    return tgamma((double)x);
}
