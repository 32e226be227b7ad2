/* What this build is: the version of CMakeLists.txt and the commit it was made from. */
#ifndef NX_BASE_VERSION_H
#define NX_BASE_VERSION_H

extern const char nx_version[];  /* "0.1.0" */
extern const char nx_revision[]; /* "1b2c3d4e5f60", with "-dirty" after it where files were changed; or "unknown" */

#endif
