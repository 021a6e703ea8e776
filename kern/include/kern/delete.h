/// The end of capabilities and objects, in bounded steps.
#pragma once

#include <kern/cpu.h>
#include <kern/slot.h>

/// Units of work in one step; the dearest is a few hundred instructions.
#define DELETE_BUDGET 32

/// Empties a slot whose capability has no children. An object that loses its last capability
/// goes to the graveyard.
void delete_slot(struct slot *slot);

/// Works on the graveyard. True: it is empty.
bool delete_bury(struct cpu *cpu, unsigned *budget);

/// Deletes all below `slot`. E_MORE: call again.
must_use enum status delete_revoke(struct cpu *cpu, struct slot *slot);
