# Sourced by ci/mutants.sh and ci/mutants-kept.sh, for what they share: the mutants are tried by a
# worker for each CPU, each with files of its own.
#
# each_mutant FOLDER COUNT: calls `mutant I WORKER` for I from 0 to COUNT - 1, which prints a line
# if that mutant lives. Prints all those, then `N passed, N failed, N skipped`; false if any lives.
each_mutant() {
    local out=$1 count=$2 workers worker i lived
    workers=$(nproc)
    rm -f "$out"/lived*
    for ((worker = 0; worker < workers; worker++)); do
        for ((i = worker; i < count; i += workers)); do mutant "$i" "$worker"; done >"$out/lived$worker" &
    done
    wait
    cat "$out"/lived*
    lived=$(cat "$out"/lived* | wc -l)
    echo "$((count - lived)) passed, $lived failed, 0 skipped"
    [ "$lived" = 0 ]
}
