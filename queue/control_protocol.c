#include "queue/control_protocol.h"

#include "lib/base/number.h"

bool
control_is_code(struct slice text)
{
	struct slice rest = text, class, subject, detail;
	uint64_t number;
	return slice_split(&rest, '.', &class) && slice_split(&rest, '.', &subject) && slice_split(&rest, '.', &detail) &&
	    rest.len == 0 && slice_is(class, "5") && subject.len <= 3 && number_parse(subject, 999, &number) &&
	    detail.len <= 3 && detail.len > 0 && number_parse(detail, 999, &number) && !slice_ends(text, ".");
}
