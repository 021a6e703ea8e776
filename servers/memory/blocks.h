/// Physical memory: Untyped capabilities of 2^12, 2^15, 2^18 ... bytes, each split into eight
/// of the next smaller size when that is needed, and joined again when all eight are free.
///
///      2^21  [        split         ]
///      2^18  [free][split][used]....
///      2^15        [used][free]....          every block is a capability slot (slots.h)
#pragma once

#include "slots.h"

#define PAGE_SIZE 4096ul

/// Blocks that are free, or only split: capabilities that stand for no object.
extern uint32_t blocks_idle;

/// Enters RAM: the Untyped in `slot`, which is unused. False: no meta memory for it.
bool blocks_add(uint32_t slot, uint32_t bits);

/// An unused block of at least 2^bits bytes, state CAP_USED; 0: none. One of 2^12 bytes is
/// always there for who was charged for it.
uint32_t block_take(uint32_t bits);

/// Deletes what was made from the block and makes it free.
void block_give(uint32_t block);
