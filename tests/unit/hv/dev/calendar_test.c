/* SPDX-License-Identifier: MIT */
/* The calendar beside one that counts day by day. */
#include "unit.h"
#include "hv/dev/calendar.h"

static bool is_leap(u32 year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static u32 month_days(u32 year, u32 month)
{
	static const u32 days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return days[month - 1] + (month == 2 && is_leap(year));
}

UNIT(every_day_of_five_centuries)
{
	u32 year = 1970, month = 1, day = 1, weekday = 5;

	for (u64 n = 0; year < 2470; n++) {
		u64 seconds = n * 86400 + n * 7919 % 86400;
		struct calendar date = calendar_from_seconds(seconds);

		assert_int_equal(date.year, year);
		assert_int_equal(date.month, month);
		assert_int_equal(date.day, day);
		assert_int_equal(calendar_weekday(seconds), weekday);
		assert_int_equal(calendar_to_seconds(&date), seconds);
		weekday = weekday % 7 + 1;
		if (++day > month_days(year, month)) {
			day = 1;
			month++;
		}
		if (month > 12) {
			month = 1;
			year++;
		}
	}
}

UNIT(the_time_of_day)
{
	struct calendar date = calendar_from_seconds(86399);

	assert_int_equal(date.hour, 23);
	assert_int_equal(date.minute, 59);
	assert_int_equal(date.second, 59);
	assert_int_equal(calendar_from_seconds(86400).day, 2);
}

UNIT(odd_fields_are_no_fault)
{
	static const struct {
		struct calendar odd, same;
	} rows[] = {
		{ { 2023, 2, 29, 0, 0, 0 }, { 2023, 3, 1, 0, 0, 0 } },
		{ { 2023, 0, 0, 0, 0, 0 }, { 2023, 1, 1, 0, 0, 0 } },
		{ { 2023, 99, 31, 0, 0, 0 }, { 2023, 12, 31, 0, 0, 0 } },
		{ { 2023, 12, 31, 24, 60, 60 }, { 2024, 1, 1, 1, 1, 0 } },
		{ { 0, 1, 1, 0, 0, 0 }, { 1970, 1, 1, 0, 0, 0 } },
	};

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(calendar_to_seconds(&rows[i].odd),
				 calendar_to_seconds(&rows[i].same));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_day_of_five_centuries),
		cmocka_unit_test(the_time_of_day),
		cmocka_unit_test(odd_fields_are_no_fault),
	};

	return cmocka_run_group_tests_name("hv/dev/calendar", tests, NULL, NULL);
}
