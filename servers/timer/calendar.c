// See calendar.h. Called by hardware.c.
#include "calendar.h"

#define CONTROL_24_HOURS 2u
#define CONTROL_BINARY   4u
#define HOUR_PM          0x80u

static uint32_t decode(uint8_t value, uint8_t control)
{
    return control & CONTROL_BINARY ? value : (value >> 4) * 10u + (value & 15u);
}

static uint32_t decode_hour(uint8_t value, uint8_t control)
{
    if (control & CONTROL_24_HOURS)
        return decode(value, control);
    uint32_t hour = decode(value & (uint8_t)~HOUR_PM, control) % 12;
    return value & HOUR_PM ? hour + 12 : hour;
}

// Days since 1970-01-01 of a date of this century: every fourth year is a leap year up to 2099.
static uint64_t days(uint32_t year, uint32_t month, uint32_t day)
{
    static const uint16_t before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    uint64_t leap_days = year / 4 + (year % 4 != 0 || month > 2); // 2000 is one
    return 10957 + 365ull * year + leap_days + before[month - 1] + day - 1;
}

bool calendar_seconds(const struct rtc_registers *r, uint64_t *seconds)
{
    uint32_t year = decode(r->year, r->control), month = decode(r->month, r->control);
    uint32_t day = decode(r->day, r->control), hour = decode_hour(r->hour, r->control);
    uint32_t minute = decode(r->minute, r->control), second = decode(r->second, r->control);
    if (year > 99 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 ||
        minute > 59 || second > 60)
        return false;
    *seconds = ((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    return true;
}
