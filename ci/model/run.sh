#!/bin/bash
# The model of the kernel's waiting (docs/model.md), searched to the end by spin, and every rule
# of it broken in turn: spin must find that. Then traces of the kernel's code (trace.sh).
#   bash ci/model/run.sh [big]      big: larger sizes too, half an hour and 12 GB
# Last line: `N passed, N failed, N skipped`.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2
here=$PWD/ci/model out=$PWD/build/model
rm -rf "$out" && mkdir -p "$out"

# CPUS is 2 everywhere but where it is given.
sizes=(
    "-DTHREADS=2 -DREPLIES=1 -DMOVES"
    "-DTHREADS=2 -DREPLIES=2"
    "-DTHREADS=3 -DREPLIES=1 -DCOARSE"
)
[ "${1-}" != big ] || sizes+=(
    "-DTHREADS=2 -DREPLIES=2 -DMOVES"
    "-DTHREADS=2 -DREPLIES=1 -DENDPOINTS=2"
    "-DTHREADS=3 -DREPLIES=1"
    "-DTHREADS=3 -DREPLIES=2 -DCOARSE"
    "-DTHREADS=3 -DREPLIES=1 -DCPUS=3 -DCOARSE"
)

# NAME|SIZE|INLINE OR PROCTYPE|SED, applied from its first line to its last: a rule broken.
mutants=(
    'wake-up of another CPU not sent|0|ready|s/ipi.* = true/skip/'
    'interrupt lost on the way to sleep|0|machine|s/IDLING -> place.c. = HALTED/&; ipi[c] = false/'
    'moved without a word|0|sys_move|s/ready.*/state[t] = READY/'
    'signal pending slept through|0|receive|s/:: pending\[e\] ->/:: false ->/'
    'signal passes a waiter by|0|sys_signal|s/:: waiters\[e\].n ->/:: false ->/'
    'signal passes a receiver by|0|sys_signal|s/:: receivers\[e\].n ->/:: false ->/'
    'signal leaves the Reply taken|0|wake|s/answers.* = NONE/skip/'
    'sender queued beside a receiver|0|sys_send|s/:: receivers\[e\].n ->/:: false ->/'
    'receiver queued beside a sender|0|receive|s/&& senders\[e\].n/\&\& false/'
    'receiver taken twice|0|pop|s/drop.*/skip/'
    'caller without Reply|0|deliver|s/answers.* = f;/skip;/'
    'reply answers twice|0|sys_reply|s/answers\[r\] = NONE;/skip;/;s/ && state.* == CALLING//'
    'recv takes a Reply in use|0|sys_recv|s/&& answers\[r\] != NONE/\&\& false/'
    'reply_recv takes an offered Reply|0|sys_reply_recv|s/:: answers.*/:: false/'
    'Reply dies in silence|0|bury_reply|s/wait_end.*/skip/'
    'endpoint dies with its senders|0|bury_endpoint|s/:: senders\[e\].n ->/:: false ->/'
    'endpoint dies with its waiters|0|bury_endpoint|s/:: waiters\[e\].n ->/:: false ->/'
    'thread dies in its queue|0|wait_end|s/unqueue.*/skip;/'
    'thread dies with its Reply taken|0|wait_end|s/answers.* = NONE/skip/'
    'wait ends without result|0|wait_end|s/ends.*/skip/'
    'thread dies while it runs elsewhere|0|bury_thread|s/wait_end.*/unqueue(t); state[t] = INACTIVE;/'
    'stopped thread makes its call|0|wait_fetch|s/home\[t\] != c/& \&\& place[home[t]] != TRAPPED/'
    'sleep forgets the graveyard|0|idles|s/ticking.*/ticking[c] = false/'
)

search() { # search FOLDER FLAGS: runs spin and the verifier; output in FOLDER/log
    local folder=$1
    shift
    # VECTORSZ, -m: room. -E: a state where nothing can happen any more is checked as any other.
    (cd "$folder" && spin -a "$@" explore.pml && gcc -O1 -w -DSAFETY -DVECTORSZ=4096 -o pan pan.c &&
        ./pan -E -m4000000) >"$folder/log" 2>&1
}
complete() { # complete LOG: everything was searched and nothing found
    grep -q 'errors: 0' "$1" && ! grep -qE 'Search not completed|max search depth|out of memory' "$1"
}
failed() {
    echo "$1" >&2
    echo "$1" >>"$out/failed"
}

explore() { # explore NUMBER SIZE
    local folder=$out/size$1
    mkdir -p "$folder" && cp "$here"/*.pml "$folder"
    # shellcheck disable=SC2086
    search "$folder" $2
    if complete "$folder/log"; then
        echo "$2: $(grep -o '[0-9]* states, stored' "$folder/log"), nothing found"
    else
        failed "$2: $(grep -hm 2 -E 'assertion|error' "$folder/log")"
    fi
}
mutate() { # mutate NUMBER 'NAME|SIZE|WHERE|SED'
    local folder=$out/mutant$1 name size where how
    IFS='|' read -r name size where how <<<"$2"
    mkdir -p "$folder" && cp "$here"/*.pml "$folder"
    sed -i -E "/^(inline|proctype) $where\(/,/^}/{$how}" "$folder"/{kernel,explore}.pml
    # shellcheck disable=SC2086
    search "$folder" ${sizes[$size]}
    if diff -q "$here/kernel.pml" "$folder/kernel.pml" >/dev/null &&
        diff -q "$here/explore.pml" "$folder/explore.pml" >/dev/null; then
        failed "mutant '$name' changes nothing"
    elif grep -q 'assertion violated' "$folder/log"; then
        echo "mutant '$name': found"
        rm -rf "$folder"
    else
        failed "mutant '$name': not found, see $folder/log"
    fi
}
worker() { # worker FIRST STEP
    local i
    for ((i = $1; i < ${#sizes[@]}; i += $2)); do explore "$i" "${sizes[i]}"; done
    for ((i = $1; i < ${#mutants[@]}; i += $2)); do mutate "$i" "${mutants[i]}"; done
}

touch "$out/failed"
workers=$(nproc)
for ((w = 0; w < workers; w++)); do worker "$w" "$workers" & done
wait
bash ci/model/trace.sh | tee "$out/trace.log"
read -r traced _ refused _ < <(tail -n 1 "$out/trace.log")
bad=$(($(wc -l <"$out/failed") + ${refused:-1}))
all=$((${#sizes[@]} + ${#mutants[@]} + ${traced:-0} + ${refused:-1}))
echo "$((all - bad)) passed, $bad failed, 0 skipped"
[ "$bad" = 0 ]
