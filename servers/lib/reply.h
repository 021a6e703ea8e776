/// Replies between the loop (server.c) and those who take them (reply.c).
#pragma once

#include <lib/server.h>

/// Makes the loop's Reply and the spare one. False: no memory.
bool reply_start(struct server *server);
