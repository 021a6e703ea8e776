// Variables, exported or not. Called by expand.c, run.c and builtins.c.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sh.h"

struct variable {
    struct variable *next;
    char *name;
    char *value; // null: exported, but not set
    bool exported;
};

static struct variable *variables; // in order of their names

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

size_t variable_name_length(const char *text)
{
    size_t length = 0;
    if (is_letter(*text))
        while (is_letter(text[length]) || (text[length] >= '0' && text[length] <= '9'))
            length++;
    return length;
}

// The variable, or where it belongs.
static struct variable **place_of(const char *name, bool *found)
{
    struct variable **place = &variables;
    int order = 1;
    while (*place && (order = strcmp((*place)->name, name)) < 0)
        place = &(*place)->next;
    *found = *place && order == 0;
    return place;
}

static struct variable *make(const char *name)
{
    bool found;
    struct variable **place = place_of(name, &found);
    if (found)
        return *place;
    struct variable *variable = must_alloc(NULL, sizeof *variable);
    *variable = (struct variable){.next = *place, .name = must_copy(name, strlen(name))};
    *place = variable;
    return variable;
}

const char *variable_get(const char *name)
{
    bool found;
    struct variable **place = place_of(name, &found);
    return found ? (*place)->value : NULL;
}

void variable_set(const char *name, const char *value)
{
    struct variable *variable = make(name);
    char *copy = must_copy(value, strlen(value)); // it may be the old value
    free(variable->value);
    variable->value = copy;
}

void variable_export(const char *name)
{
    make(name)->exported = true;
}

void variable_unset(const char *name)
{
    bool found;
    struct variable **place = place_of(name, &found);
    if (!found)
        return;
    struct variable *gone = *place;
    *place = gone->next;
    free(gone->name);
    free(gone->value);
    free(gone);
}

void variables_import(char **environment)
{
    for (; *environment; environment++) {
        size_t name_bytes = variable_name_length(*environment);
        if (!name_bytes || (*environment)[name_bytes] != '=')
            continue;
        char *name = must_copy(*environment, name_bytes);
        variable_set(name, *environment + name_bytes + 1);
        variable_export(name);
        free(name);
    }
}

static bool is_among(const char *name, char **assignments, size_t count)
{
    size_t bytes = strlen(name);
    for (size_t i = 0; i < count; i++)
        if (strncmp(assignments[i], name, bytes) == 0 && assignments[i][bytes] == '=')
            return true;
    return false;
}

void variables_environment(struct strings *to, char **more, size_t count)
{
    for (size_t i = 0; i < count; i++)
        strings_add(to, must_copy(more[i], strlen(more[i])));
    for (const struct variable *v = variables; v; v = v->next) {
        if (!v->exported || !v->value || is_among(v->name, more, count))
            continue;
        char *text = must_alloc(NULL, strlen(v->name) + strlen(v->value) + 2);
        sprintf(text, "%s=%s", v->name, v->value);
        strings_add(to, text);
    }
}

void variables_print(void)
{
    for (const struct variable *v = variables; v; v = v->next)
        if (v->value)
            printf("%s%s='%s'\n", v->exported ? "export " : "", v->name, v->value);
}
