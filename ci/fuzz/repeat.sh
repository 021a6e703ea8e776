# Sourced by engine/run.sh and kern/run.sh: what makes a run of libFuzzer repeat itself. It learns
# from what the program compares, addresses too, and reads a folder in the order of its entries.
# So the programs are linked with fixed addresses, the system is asked not to choose others where
# it lets itself be asked, and the seeds are listed in order.
repeatable=(setarch "$(uname -m)" -R)
"${repeatable[@]}" true 2>/dev/null || repeatable=()

in_order() { # in_order LIST FOLDER: writes the folder's files, as -seed_inputs=@LIST takes them
    find "$2" -type f | LC_ALL=C sort | paste -sd, >"$1"
}
