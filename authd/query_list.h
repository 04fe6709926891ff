#ifndef AUTHD_QUERY_LIST_H
#define AUTHD_QUERY_LIST_H
struct query_lists { int unused; };
#endif
