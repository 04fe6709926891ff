#include "lib/base/paths.h"

const char paths_settings[] = POSTERN_SETTINGS;
const char paths_libexec[] = POSTERN_LIBEXEC;
const char paths_version[] = POSTERN_VERSION;
