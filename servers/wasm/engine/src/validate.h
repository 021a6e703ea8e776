/* The validator (specification 3 and its appendix "Validation Algorithm").
 *
 * It reads an expression once, checks types and structure, and advances the reader past it.
 * No recursion: nesting lives in growing arrays, bounded by the bytes that were read.
 */
#ifndef WASM_VALIDATE_H
#define WASM_VALIDATE_H

#include "module.h"

/* Scratch arrays, reused from body to body. NULL without memory. */
struct wasm_validator *wasm_validator_new(void);
void wasm_validator_free(struct wasm_validator *v);

/* Validates the body of function `index`: r spans exactly locals and expression. */
void wasm_validate_body(struct wasm_loader *l, struct wasm_reader *r, uint32_t index);

/* Validates a constant expression of type `type` and stops behind its `end`. */
void wasm_validate_constant(struct wasm_loader *l, struct wasm_reader *r, uint8_t type);

#endif
