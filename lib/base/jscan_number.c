#include "lib/base/jscan_number.h"

enum number_class {
	CLASS_OTHER,
	CLASS_ZERO,
	CLASS_DIGIT,
	CLASS_POINT,
	CLASS_E,
	CLASS_SIGN,
	CLASS_COUNT,
};

#define DIGITS(state) [CLASS_ZERO] = (state), [CLASS_DIGIT] = (state)

/* The next state by RFC 8259, section 6; missing entries are JSCAN_NUMBER_BAD. */
static const enum jscan_number number_steps[][CLASS_COUNT] = {
	[JSCAN_NUMBER_MINUS] =
		{[CLASS_ZERO] = JSCAN_NUMBER_ZERO, [CLASS_DIGIT] = JSCAN_NUMBER_INTEGER},
	[JSCAN_NUMBER_ZERO] = {[CLASS_OTHER] = JSCAN_NUMBER_OVER,
		[CLASS_POINT] = JSCAN_NUMBER_POINT,
		[CLASS_E] = JSCAN_NUMBER_E},
	[JSCAN_NUMBER_INTEGER] = {DIGITS(JSCAN_NUMBER_INTEGER), [CLASS_OTHER] = JSCAN_NUMBER_OVER,
		[CLASS_POINT] = JSCAN_NUMBER_POINT, [CLASS_E] = JSCAN_NUMBER_E},
	[JSCAN_NUMBER_POINT] = {DIGITS(JSCAN_NUMBER_FRACTION)},
	[JSCAN_NUMBER_FRACTION] = {DIGITS(JSCAN_NUMBER_FRACTION), [CLASS_OTHER] = JSCAN_NUMBER_OVER,
		[CLASS_E] = JSCAN_NUMBER_E},
	[JSCAN_NUMBER_E] = {DIGITS(JSCAN_NUMBER_EXPONENT), [CLASS_SIGN] = JSCAN_NUMBER_SIGN},
	[JSCAN_NUMBER_SIGN] = {DIGITS(JSCAN_NUMBER_EXPONENT)},
	[JSCAN_NUMBER_EXPONENT] = {DIGITS(JSCAN_NUMBER_EXPONENT), [CLASS_OTHER] =
									  JSCAN_NUMBER_OVER},
};

enum jscan_number jscan_number_begin(char c)
{
	if (c == '-')
		return JSCAN_NUMBER_MINUS;
	return c == '0' ? JSCAN_NUMBER_ZERO : JSCAN_NUMBER_INTEGER;
}

static enum number_class classify(char c)
{
	switch (c) {
	case '0':
		return CLASS_ZERO;
	case '1' ... '9':
		return CLASS_DIGIT;
	case '.':
		return CLASS_POINT;
	case 'e':
	case 'E':
		return CLASS_E;
	case '+':
	case '-':
		return CLASS_SIGN;
	default:
		return CLASS_OTHER;
	}
}

const char *jscan_number_run(enum jscan_number *now, const char *p, const char *end)
{
	enum jscan_number state = *now;
	for (; p < end; p++) {
		state = number_steps[state][classify(*p)];
		if (state == JSCAN_NUMBER_OVER || state == JSCAN_NUMBER_BAD)
			break;
	}
	*now = state;
	return p;
}

bool jscan_number_may_end(enum jscan_number now)
{
	return number_steps[now][CLASS_OTHER] == JSCAN_NUMBER_OVER;
}
