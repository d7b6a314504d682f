// PCRE2 names its functions by the width of a code unit; Slipway matches bytes.
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
