#!/bin/bash
# The kernel's code, built for the host and driven with random calls of forty threads on two CPUs
# (trace.c): the model must accept every trace of it, and refuse some trace of each kernel in
# which a rule was broken.
#   bash ci/model/trace.sh [SEEDS [LENGTH [FIRST]]]    how many traces (60), of how many steps
#                                                (2,000), and the first one's seed (1)
# Last line: `N passed, N failed, N skipped`: the true kernel and each broken one.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2
seeds=${1:-60} length=${2:-2000} first=${3:-1}
out=$PWD/build/model/trace tests=ci/unit/kern
rm -rf "$out" && mkdir -p "$out"

# NAME|FILE|SED: a rule of the kernel broken.
mutants=(
    'cancelled caller keeps the Reply|kern/ipc/reply.c|/case THREAD_STATE_CALLING:/,/break/s/thread->reply->thread = NULL;//'
    'cancelled receiver keeps the Reply|kern/ipc/reply.c|/case THREAD_STATE_RECEIVING:/,/break/s/if (thread->reply)/if (0)/'
    'signalled receiver keeps the Reply|kern/ipc/endpoint.c|s/if (to->reply)/if (0)/'
    'signal to nobody is lost|kern/ipc/fast.c|s/endpoint->pending |= slot->badge/(void)0/'
    'signal passes waiters by|kern/ipc/fast.c|s/if (!link_empty(&endpoint->waiters))/if (0)/'
    'pending signals are not seen|kern/ipc/reply.c|s/if (endpoint->pending)/if (0)/'
    'last sender comes first|kern/ipc/message.c|s/link_append(&endpoint->senders/link_prepend(\&endpoint->senders/'
    'waiter among the receivers|kern/ipc/reply.c|s/link_append(reply ? &endpoint->receivers/link_append(1 ? \&endpoint->receivers/'
    'caller of a dead Reply hears E_INTR|kern/ipc/reply.c|s/wait_end(cpu, thread, E_DEAD)/wait_end(cpu, thread, E_INTR)/'
    'dead Reply says nothing|kern/ipc/reply.c|s/if (!thread)$/if (1)/'
    'Reply answers twice|kern/ipc/reply.c|/CHECK(reply_caller/,/to->reply = NULL/s/reply->thread = NULL;//'
    'recv takes a Reply in use|kern/ipc/reply.c|s/CHECK(recv_reply_free, .*/;/'
    'endpoint forgets its second waiter|kern/ipc/endpoint.c|s/while (!link_empty(queue))/if (!link_empty(queue))/'
    'endpoint dies with its receivers|kern/ipc/endpoint.c|s/return !all ||/return all ||/'
    'revoke leaves the senders|kern/core/delete.c|s/bool owner = .*/bool owner = false;/'
    'cancelled thread does not go on|kern/core/sys_thread.c|/case THREAD_OP_CANCEL:/,/return/s/sched_ready(cpu, thread);//'
    'cancelled or dead sender stays in its queue|kern/ipc/reply.c|/case THREAD_STATE_SENDING:/,/break/s/link_remove(&thread->link);//'
    'other CPU is not told|kern/sched/sched.c|s/arch_interrupt(&other->arch);/;/'
    'moved thread stays in the old queue|kern/sched/sched.c|/^void sched_move/,/^}/s/sched_remove(thread);//'
)

/usr/bin/python3 toolchain/gen.py abi "$out" kern/abi/pith.idl >/dev/null || exit 1
flags=(-std=c17 -O1 -w -I"$tests/mock" -I"$tests" -Iarch/x86_64/include -Ikern/include
    -Iarch/x86_64 -I"$out/include")
object() { # object SOURCE: its object file
    echo "$out/${1//\//_}.o"
}
objects=()
for source in $(ls kern/*/*.c | grep -v core/log.c) $tests/{world,calls,mock/mock}.c \
    arch/x86_64/cpu/frame.c ci/model/trace.c; do
    gcc "${flags[@]}" -c "$source" -o "$(object "$source")" || exit 1
    objects+=("$(object "$source")")
done
cp ci/model/*.pml "$out" && (cd "$out" && spin -a trace.pml &&
    gcc -O1 -w -DSAFETY -DVECTORSZ=4096 -o accept pan.c) >"$out/spin.log" 2>&1 ||
    { cat "$out/spin.log"; exit 1; }

# accepted PROGRAM SEED: whether the model can do all that the program did. Says why not.
accepted() {
    local limit=5 # seconds: a broken kernel may hang
    [ "$1" != "$out/kernel" ] || limit=300
    timeout $limit "$1" "$2" "$length" >"$out/trace.$2" 2>"$out/error"
    local status=$?
    (cd "$out" && TRACE=trace.$2 ./accept -E -n -m1000000) >"$out/answer"
    if ! grep -q '^accepted' "$out/answer"; then
        grep '^refused' "$out/answer"
        return 1
    fi
    rm "$out/trace.$2"
    [ $status = 0 ] || [ "$1" != "$out/kernel" ] || { tail -n 1 "$out/error"; return 1; }
}

failed=0
gcc -o "$out/kernel" "${objects[@]}" || exit 1
for ((seed = first; seed < first + seeds; seed++)); do
    why=$(accepted "$out/kernel" "$seed") || {
        failed=1
        echo "the kernel with seed $seed: $why; see $out/trace.$seed"
        break
    }
done
[ $failed = 1 ] || echo "$seeds traces of $length steps accepted"

for mutant in "${mutants[@]}"; do
    IFS='|' read -r name source how <<<"$mutant"
    sed "$how" "$source" >"$out/mutant.c"
    if cmp -s "$source" "$out/mutant.c" || ! gcc "${flags[@]}" -c "$out/mutant.c" -o "$out/mutant.o" ||
        ! gcc -o "$out/mutant" "${objects[@]/$(object "$source")/$out/mutant.o}"; then
        failed=$((failed + 1))
        echo "'$name' changes nothing or does not compile"
        continue
    fi
    for ((seed = 1; seed <= seeds; seed++)); do
        why=$(accepted "$out/mutant" "$seed") || break
    done
    if [ "$seed" -gt "$seeds" ]; then
        failed=$((failed + 1))
        echo "'$name': accepted all the same"
    else
        echo "'$name': $why (seed $seed)"
    fi
done
echo "$((${#mutants[@]} + 1 - failed)) passed, $failed failed, 0 skipped"
[ $failed = 0 ]
