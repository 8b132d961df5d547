# Completion of nativestyle for fish. To have it in every shell:
#   nativestyle completion fish > ~/.config/fish/completions/nativestyle.fish

function __nativestyle_complete
    set -l before (commandline -opc)
    set -l program $before[1]
    set -e before[1]
    set program (string replace -r '^~/' "$HOME/" -- $program)
    command -q -- $program; or set program nativestyle

    # The current word up to the cursor, as the program would get it.
    set -l current (commandline -ct | string unescape)
    test (count $current) -gt 0; or set current ""
    # The program starts in half the time if it is not compiled for speed.
    set -l lines (DOTNET_TieredCompilation=1 command $program '[complete]' $before $current 2>/dev/null)
    test (count $lines) -ge 2; or return
    set -l mode $lines[1]
    set -l prefix $lines[2]
    test (count $lines) -gt 2; and printf '%s\n' $lines[3..-1]

    set -l name (string sub -s (math (string length -- $prefix) + 1) -- $current)
    switch $mode
        case 'files*'
            for file in (__fish_complete_path $name)
                printf '%s%s\n' $prefix $file
            end
        case 'folders*'
            for folder in (__fish_complete_directories $name "")
                printf '%s%s\n' $prefix $folder
            end
    end
end

complete -c nativestyle -f -a '(__nativestyle_complete)'
