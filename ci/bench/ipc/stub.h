/// The round trip through generated stubs: stub_prepare, then the space is cloned, stub_server
/// runs in the clone, stub_client introduces this space, stub_nothing is one round trip.
#pragma once

#include <pith/abi.h>

void stub_prepare(void);
void stub_server(void);
void stub_client(void);
enum status stub_nothing(void);
enum status stub_four(void);
