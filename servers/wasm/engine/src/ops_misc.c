/* Handlers of what is left: copies, constants, globals, select, memory and table management. */
#include "interp.h"

#define SLOT(i) (fp[ip[1].h[i]])

void wasm_op_copy(HANDLER_PARAMS)
{
    SLOT(0) = SLOT(1);
    NEXT(2);
}

void wasm_op_copy2(HANDLER_PARAMS)
{
    SLOT(0) = SLOT(1);
    SLOT(2) = SLOT(3);
    NEXT(2);
}

void wasm_op_copy_many(HANDLER_PARAMS)
{
    memmove(&SLOT(0), &SLOT(1), ip[1].h[2] * sizeof *fp);
    NEXT(2);
}

void wasm_op_constant(HANDLER_PARAMS)
{
    SLOT(0) = ip[1].w[1];
    NEXT(2);
}

void wasm_op_constant64(HANDLER_PARAMS)
{
    SLOT(0) = ip[2].q;
    NEXT(3);
}

static void global_get_s(HANDLER_PARAMS)
{
    SLOT(0) = ((const struct wasm_global *)ip[2].p)->value.low;
    NEXT(3);
}

static void global_get_a(HANDLER_PARAMS)
{
    acc = ((const struct wasm_global *)ip[2].p)->value.low;
    NEXT(3);
}

static void global_set_s(HANDLER_PARAMS)
{
    ((struct wasm_global *)ip[2].p)->value.low = SLOT(1);
    NEXT(3);
}

static void global_set_a(HANDLER_PARAMS)
{
    ((struct wasm_global *)ip[2].p)->value.low = acc;
    NEXT(3);
}

const struct wasm_op wasm_op_global_get = {{[WASM_SS] = {global_get_s, global_get_a}}};
const struct wasm_op wasm_op_global_set = {
    {[WASM_SS] = {global_set_s}, [WASM_AS] = {global_set_a}}};

static void select_s_s(HANDLER_PARAMS)
{
    SLOT(0) = (uint32_t)SLOT(3) ? SLOT(1) : SLOT(2);
    NEXT(2);
}

static void select_s_a(HANDLER_PARAMS)
{
    acc = (uint32_t)SLOT(3) ? SLOT(1) : SLOT(2);
    NEXT(2);
}

static void select_a_s(HANDLER_PARAMS)
{
    SLOT(0) = (uint32_t)acc ? SLOT(1) : SLOT(2);
    NEXT(2);
}

static void select_a_a(HANDLER_PARAMS)
{
    acc = (uint32_t)acc ? SLOT(1) : SLOT(2);
    NEXT(2);
}

const struct wasm_op wasm_op_select = {
    {[WASM_SS] = {select_s_s, select_s_a}, [WASM_AS] = {select_a_s, select_a_a}}};

void wasm_op_unreachable(HANDLER_PARAMS)
{
    TRAP(WASM_TRAP_UNREACHABLE);
}

void wasm_op_memory_size(HANDLER_PARAMS)
{
    SLOT(0) = ((const struct wasm_memory *)ip[2].p)->size / WASM_PAGE_BYTES;
    NEXT(3);
}

void wasm_op_memory_grow(HANDLER_PARAMS)
{
    SLOT(0) = (uint32_t)wasm_memory_grow(ip[2].p, (uint32_t)SLOT(1));
    NEXT(3);
}

/* The three operands of a bulk instruction, and its price. */
#define TO     ((uint32_t)SLOT(1))
#define FROM   ((uint32_t)SLOT(2))
#define LENGTH ((uint32_t)SLOT(3))
#define BULK(cells, done, trap)                                                                \
    do {                                                                                       \
        CHARGE(LENGTH >> 10);                                                                  \
        if (unlikely(!(done)))                                                                 \
            TRAP(trap);                                                                        \
        NEXT(cells);                                                                           \
    } while (0)

void wasm_op_memory_fill(HANDLER_PARAMS)
{
    BULK(3, wasm_memory_fill(ip[2].p, TO, (uint8_t)FROM, LENGTH), WASM_TRAP_MEMORY);
}

void wasm_op_memory_copy(HANDLER_PARAMS)
{
    BULK(4, wasm_memory_copy(ip[2].p, TO, ip[3].p, FROM, LENGTH), WASM_TRAP_MEMORY);
}

void wasm_op_memory_init(HANDLER_PARAMS)
{
    BULK(4, wasm_memory_init(ip[2].p, ip[3].w[0], ip[3].w[1], TO, FROM, LENGTH),
         WASM_TRAP_MEMORY);
}

void wasm_op_data_drop(HANDLER_PARAMS)
{
    ((struct wasm_instance *)ip[1].p)->dropped_datas[ip[2].w[0]] = true;
    NEXT(3);
}

void wasm_op_table_get(HANDLER_PARAMS)
{
    const struct wasm_table *t = ip[2].p;
    uint32_t index = (uint32_t)SLOT(1);
    if (unlikely(index >= t->size))
        TRAP(WASM_TRAP_TABLE);
    SLOT(0) = t->elements[index];
    NEXT(3);
}

void wasm_op_table_set(HANDLER_PARAMS)
{
    const struct wasm_table *t = ip[2].p;
    uint32_t index = (uint32_t)SLOT(1);
    if (unlikely(index >= t->size))
        TRAP(WASM_TRAP_TABLE);
    t->elements[index] = SLOT(2);
    NEXT(3);
}

void wasm_op_table_size(HANDLER_PARAMS)
{
    SLOT(0) = ((const struct wasm_table *)ip[2].p)->size;
    NEXT(3);
}

void wasm_op_table_grow(HANDLER_PARAMS)
{
    CHARGE((uint32_t)SLOT(2) >> 10);
    SLOT(0) = (uint32_t)wasm_table_grow(ip[2].p, (uint32_t)SLOT(2), SLOT(1));
    NEXT(3);
}

void wasm_op_table_fill(HANDLER_PARAMS)
{
    BULK(3, wasm_table_fill(ip[2].p, TO, SLOT(2), LENGTH), WASM_TRAP_TABLE);
}

void wasm_op_table_copy(HANDLER_PARAMS)
{
    BULK(4, wasm_table_copy(ip[2].p, TO, ip[3].p, FROM, LENGTH), WASM_TRAP_TABLE);
}

void wasm_op_table_init(HANDLER_PARAMS)
{
    BULK(4, wasm_table_init(ip[2].p, ip[3].w[0], ip[3].w[1], TO, FROM, LENGTH),
         WASM_TRAP_TABLE);
}

void wasm_op_elem_drop(HANDLER_PARAMS)
{
    wasm_element_drop(ip[1].p, ip[2].w[0]);
    NEXT(3);
}
