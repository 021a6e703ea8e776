#!/bin/bash
# The checks of kept state, and what makes requests atomic, removed one at a time: each mutant
# must make a test of its server's kept state fail (ci/unit/servers/kept*_test.c); of what all
# servers share, one of any. Called by ci/mutants.sh; last line as there.
#   bash ci/mutants-kept.sh [FILE]     default: all files
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2
source ci/mutants_each.sh
out=$PWD/build/mutants/kept
mkdir -p "$out"
/usr/bin/python3 toolchain/gen.py abi "$out" kern/abi/pith.idl >/dev/null &&
    /usr/bin/python3 toolchain/gen.py proto "$out" kern/abi/pith.idl servers/proto/*.idl >/dev/null || exit 1
flags=(-std=c17 -O1 -w -DPITH_KEPT -DPITH_MOCK -fno-pie -fno-builtin
    -fno-tree-loop-distribute-patterns -Iservers/lib/include -Iservers/lib -I"$out/include")
announced=(-fsanitize=kernel-address --param asan-instrumentation-with-call-threshold=0
    --param asan-instrument-reads=0 --param asan-stack=0 --param asan-globals=0
    --param asan-memintrin=0)

# Tests in the order of their speed, each with its server's sources beside those it includes.
tests=(kept_process kept_timer kept_console kept)
declare -A folder=([kept_process]=process [kept_timer]=timer [kept_console]=console [kept]=files)
lib=(servers/lib/{kept,text,heap,heap_kept,map,client,resume,slots}.c ci/unit/servers/kept_host.c)
sources() { # sources TEST
    echo "ci/unit/servers/$1_test.c"
    printf '%s\n' "${lib[@]}"
    case $1 in
    kept) printf '%s\n' servers/files/{names,path,inode,directory,contents,description,handles}.c \
        servers/files/{pipe,pages,objects}.c ;;
    kept_timer) echo servers/timer/deadlines.c ;;
    kept_console) printf '%s\n' servers/console/{terminal,grid,glyphs}.c ;;
    esac
}
object() { # object TEST SOURCE
    echo "$out/$1/${2//\//_}.o"
}
compile() { # compile TEST SOURCE-AS-LISTED FILE OBJECT [FLAG...]
    local how=("${announced[@]}")
    case $2 in ci/* | servers/lib/kept.c | servers/lib/text.c) how=() ;; esac
    gcc "${flags[@]}" "${@:5}" -Iservers/"${folder[$1]}" -Ici/unit/servers "${how[@]}" -c "$3" -o "$4"
}
passes() { # passes TEST PROGRAM OBJECT...
    local program=$2 seconds=3 # of a mutant; one that hangs has been noticed
    [ "$1" != kept ] || seconds=15
    [ "${program##*/}" != whole ] || seconds=300
    gcc -no-pie -Wl,--section-start=.kept=0x40000000 -Wl,--section-start=.kept_log=0x41000000 \
        -Wl,--section-start=.kept_heap=0x44000000 -Wl,--unresolved-symbols=ignore-in-object-files \
        -o "$program" "${@:3}" -lcmocka || return 0
    { (ulimit -t $seconds && exec "$program") >"$program.log" 2>&1; } 2>/dev/null # no `Killed`
}

# FILE and what sed makes of it.
mutants=(
    'servers/lib/text.c s/kept_note\(to, size\);//'
    'servers/lib/kept.c s/\{word, \*word\}/{word, 0}/'
    'servers/lib/kept.c s/i = log.count; i-- > 0/i = log.count; i-- > 1/'
    'servers/lib/kept.c s/\+\+turn >> /turn >> /'
    'servers/lib/heap.c s/slab->used \+ free == places/1/'
    'servers/files/contents.c s/kept_note\(page \+ within, step\);/;/'
    'servers/files/contents.c s/inode->size <= FILE_BYTES_MAX \&\&/1 \&\&/'
    'servers/files/contents.c s/pages == inode->file.pages/1/'
    'servers/files/contents.c s/inode->file.base_bytes == 0 \|\|/1 ||/'
    'servers/files/directory.c s/\|\| inode->number > inodes\(\)->next_number//'
    'servers/files/directory.c s/entry->previous == before/1/'
    'servers/files/directory.c s/entry->inode->links >= 1/1/'
    'servers/files/directory.c s/entry->cookie > before->cookie/1/'
    'servers/files/directory.c s/return inode->type == FILE_TYPE_DIRECTORY;/return 1;/'
    'servers/files/directory.c s/directory->directory.last == before/1/'
    'servers/files/directory.c s/\(!hint \|\|/(1 ||/'
    'servers/files/handles.c s/\|\| description->references == 0//'
    'servers/files/handles.c s/if \(block \&\& !object_valid\(block/if (0 \&\& !object_valid(block/'
    'servers/files/pages.c s/table\[i\].dirty = CHUNK_FULL;/;/'
    'servers/files/pages.c s/\|\| used != a->used/|| 0/'
    'servers/lib/kept.c s/log.magic != KEPT_MAGIC \|\|/0 ||/'
    'servers/lib/kept.c s/log.bytes != section_bytes\(\) \|\|/0 ||/'
    'servers/lib/kept.c s/log.count > kept_words_max \|\|/0 ||/'
    'servers/lib/kept.c s/log.armed > 2\)/0)/'
    'servers/lib/kept.c s/word % 8 \|\|/0 ||/'
    'servers/lib/kept.c s/\(!in_section\(word\) \&\& word < KEPT_PAGES\)/0/'
    'servers/lib/kept.c s/CHECK\(begun\);//'
    'servers/lib/resume.c s/if \(buckets \& \(buckets - 1\) \|\|/if (0 ||/'
    'servers/lib/resume.c s/\(buckets \&\& !heap_holds/(0 \&\& !heap_holds/'
    'servers/lib/resume.c s/!heap_holds\(node, bytes\) \|\|/0 ||/'
    'servers/lib/resume.c s/\+\+count > map->count/(++count, 0)/'
    'servers/lib/resume.c s/map_find\(map, node->key\) != node/0/'
    'servers/lib/resume.c s/return count == map->count;/return 1;/'
    'servers/lib/resume.c s/!heap_holds\(\(const char \*\)link - offset, bytes\)/0/'
    'servers/lib/resume.c s/\|\| link->prev != before/|| 0/'
    'servers/lib/resume.c s/return head->prev == before;/return 1;/'
    'servers/lib/resume.c s/KEPT_CHECK\(heap_check\(\)\);//'
    'servers/lib/resume.c s/server_list_valid\(&loop->replies/1 || &/'
    'servers/lib/resume.c s/KEPT_CHECK\(slot_taken\(reply->handle\)\);//'
    'servers/lib/resume.c s/KEPT_CHECK\(loop->given_count <= MESSAGE_CAPS\);//'
    'servers/lib/resume.c s/address != window \|\|/0 ||/'
    'servers/lib/resume.c s/\|\| length != WINDOW_BYTES/|| 0/'
    'servers/lib/resume.c s/!known\(address\)/1/'
    'servers/lib/resume.c s/!known\(address\)/0/'
    'servers/lib/resume.c s/if \(claims\[i\] == address\)/if (0)/'
    'servers/lib/resume.c s/\(uint64_t\)session_to\(slot\)->window == address/0/'
    'servers/lib/resume.c s/\(uint64_t\)\(\(const struct client.*->window == address/0/'
    'servers/lib/slots.c s/if \(unsure\)/if (0)/'
    'servers/lib/slots.c s/if \(limit > slots\(\)->limit\)/if (0)/'
    'servers/lib/slots.c s/if \(slots\(\)->free\[slot \/ 64\] >> slot % 64 \& 1\)/if (0)/'
    'servers/timer/waits.c s/server_list_valid\(&timer->waits/1 || &/'
    'servers/timer/waits.c s/wait->client == timer \&\&/1 \&\&/'
    'servers/timer/waits.c s/\|\| slot_taken\(wait->wake\)/|| 1/'
    'servers/timer/waits.c s/KEPT_CHECK\(deadlines_add/(void)(deadlines_add/'
    'servers/timer/waits.c s/KEPT_CHECK\(count == said\);//'
    'servers/timer/waits.c s/    deadlines_forget\(\);//'
    'servers/console/waits.c s/server_list_valid\(&all\(\)->waiters/1 || &/'
    'servers/console/waits.c s/server_list_valid\(&all\(\)->watches/1 || &/'
    'servers/console/waits.c s/server_list_valid\(&client->waiters/1 || &/'
    'servers/console/waits.c s/server_list_valid\(&client->watches/1 || &/'
    'servers/console/waits.c s/KEPT_CHECK\(waiter->client == client\);//'
    'servers/console/waits.c s/watch->client == client \&\&/1 \&\&/'
    'servers/console/waits.c s/\&\& slot_taken\(watch->wake\)//'
    'servers/console/waits.c s/client->waiter_count == 0 \&\&/1 \&\&/'
    'servers/console/waits.c s/\&\& client->watch_count == count//'
    'servers/console/waits.c s/KEPT_CHECK\(list_empty\(&all\(\)->waiters\)\);//'
    'servers/console/requests.c s/KEPT_CHECK\(!wake \|\| slot_taken\(wake\)\);//'
    'servers/console/requests.c s/heap_holds\(open, sizeof \*open\) \&\&/1 \&\&/'
    'servers/console/requests.c s/open->references == references\(open\)/1/'
    'servers/console/line.c s/l->mode \& ~MODE_START \|\|/0 ||/'
    'servers/console/line.c s/l->ready - l->first > LINE_BYTES/0/'
    'servers/console/line.c s/l->end - l->ready > LINE_BYTES/0/'
    'servers/console/line.c s/l->end - l->first > LINE_BYTES/0/'
    'servers/console/line.c s/return lines == l->lines;/return 1;/'
    'servers/console/screen.c s/grid->first < SCREEN_LINES \&\&/1 \&\&/'
    'servers/console/screen.c s/grid->history <= SCREEN_LINES - SCREEN_ROWS/1/'
    'servers/console/screen.c s/grid->back <= grid->history/1/'
    'servers/console/screen.c s/grid->column <= SCREEN_COLUMNS/1/'
    'servers/console/screen.c s/grid->row < SCREEN_ROWS/1/'
    'servers/console/screen.c s/grid->top <= grid->bottom/1/'
    'servers/console/screen.c s/grid->bottom < SCREEN_ROWS/1/'
    'servers/console/screen.c s/p->state <= STRING_ESCAPE/1/'
    'servers/console/screen.c s/p->more <= 3/1/'
    'servers/console/screen.c s/p->escape.count <= ESCAPE_PARAMETERS/1/'
    'servers/console/screen.c s/p->escape.count > 0 \|\|/1 ||/'
    'servers/console/screen.c s/\&\& escape_valid\(\)//'
    'servers/console/escape.c s/saved\(\)->column <= SCREEN_COLUMNS/1/'
    'servers/console/escape.c s/\&\& saved\(\)->row < SCREEN_ROWS//'
    'servers/console/serial.c s/serial\(\)->first < SERIAL_QUEUE_BYTES \&\&/1 \&\&/'
    'servers/console/serial.c s/\&\& serial\(\)->count <= SERIAL_QUEUE_BYTES//'
    'servers/console/terminal.c s/KEPT_CHECK\(line_resume/(void)(line_resume/'
    'servers/console/terminal.c s/server_loop\(\)->signals \|= .*;/;/'
    'servers/process/table.c s/heap_holds\(process, sizeof \*process\) \&\&/1 \&\&/'
    'servers/process/table.c s/\&\& process_find\(process->pid\) == process;/;/'
    'servers/process/table.c s/is_process\(process\) \&\&/1 \&\&/'
    'servers/process/table.c s/process->state >= PROCESS_STATE_RUNNING/1/'
    'servers/process/table.c s/process->state <= PROCESS_STATE_SERVER/1/'
    'servers/process/table.c s/is_process\(process->parent\)/1/'
    'servers/process/table.c s/slot_taken\(image->thread\)/1/'
    'servers/process/table.c s/slot_taken\(image->vspace\)/1/'
    'servers/process/table.c s/slot_taken\(image->cspace\)/1/'
    'servers/process/table.c s/slot_taken\(process->child_end\)/1/'
    'servers/process/table.c s/server_list_valid\(&process->children/1 || &/'
    'servers/process/table.c s/server_list_valid\(&process->threads/1 || &/'
    'servers/process/table.c s/server_list_valid\(&process->waiters/1 || &/'
    'servers/process/table.c s/children == process->child_count/1/'
    'servers/process/table.c s/threads == process->thread_count/1/'
    'servers/process/table.c s/sibling\)->parent == process/sibling)->parent != 0/'
    'servers/process/table.c s/slot_taken\(LIST_OBJECT/1 || &/'
    'servers/process/table.c s/server_map_valid\(&table/1 || &/'
    'servers/process/table.c s/server_list_valid\(all, offsetof/1 || &/'
    'servers/process/table.c s/server_list_valid\(&table\(\)->ends/1 || &/'
    'servers/process/table.c s/KEPT_CHECK\(process->pid > last\);//'
    'servers/process/table.c s/KEPT_CHECK\(count == table\(\)->by_pid.count\);//'
    'servers/process/table.c s/status_ignore\(sys_signal\(process->child_end\)\)//'
)
[ $# -eq 0 ] || { mapfile -t mutants < <(printf '%s\n' "${mutants[@]}" | grep -- "$1"); }

declare -A objects
for test in "${tests[@]}"; do
    mkdir -p "$out/$test"
    for source in $(sources "$test"); do
        compile "$test" "$source" "$source" "$(object "$test" "$source")" || exit 1
        objects[$test]+=" $(object "$test" "$source")"
    done
    if ! passes "$test" "$out/$test/whole" ${objects[$test]}; then
        tail -n 20 "$out/$test/whole.log"
        echo "0 passed, 1 failed, 0 skipped"
        exit 1
    fi
done
lives() { # lives TEST SOURCE CHANGED WORKER: the test passes with the changed file
    local in=$2 file=$3 made=${3%.c}.o
    # What the test includes is compiled with the test.
    grep -qF "#include \"${2##*/}\"" "ci/unit/servers/$1_test.c" &&
        in=ci/unit/servers/$1_test.c file=$in
    compile "$1" "$in" "$file" "$made" -I"${3%/*}" || return 0
    passes "$1" "$out/mutant$4/program" ${objects[$1]/"$(object "$1" "$in")"/$made}
}
mutant() { # mutant INDEX WORKER
    local source=${mutants[$1]%% *} script=${mutants[$1]#* } changed test
    changed=$out/mutant$2/${source##*/}
    rm -rf "$out/mutant$2" && mkdir -p "$out/mutant$2"
    sed -E "$script" "$source" >"$changed"
    if cmp -s "$source" "$changed"; then
        echo "$source: $script: changes nothing"
        return
    fi
    for test in "${tests[@]}"; do
        case $source in servers/lib/* | servers/"${folder[$test]}"/*) ;; *) continue ;; esac
        lives "$test" "$source" "$changed" "$2" || return 0
    done
    echo "$source: $script: nothing notices it"
}
each_mutant "$out" ${#mutants[@]}
