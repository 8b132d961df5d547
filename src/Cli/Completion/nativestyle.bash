# Completion of nativestyle for bash. To have it in every shell (also in bash 3.2 of macOS, where words alone are completed):
#   nativestyle completion bash > ~/.local/share/bash-completion/completions/nativestyle
# or, without the package bash-completion, in ~/.bashrc:
#   eval "$(nativestyle completion bash)"

_nativestyle() {
  # Bash breaks words at = and :, so they are put together again where nothing stands between them.
  local rest=$COMP_LINE word i current=""
  local -a words=()
  for ((i = 0; i <= COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if ((i > 0)) && [[ $rest == [[:blank:]]* || $i -eq 1 ]]; then words+=("$current"); current=""; fi
    rest=${rest#"${rest%%[![:blank:]]*}"}
    rest=${rest#"$word"}
    current+=$word
  done
  # Only what stands before the cursor.
  local after=${COMP_LINE:COMP_POINT}
  after=${after%%[[:blank:]]*}
  [[ -z $after ]] || current=${current%"$after"}

  # What was typed with quotes or backslashes, as the program would get it.
  local -a plain=()
  for word in "${words[@]:1}" "$current"; do plain+=("$(_nativestyle_unquote "$word")"); done
  current=${plain[${#plain[@]} - 1]}

  local program=$1
  [[ $program != \~/* ]] || program=$HOME/${program#\~/}
  program=$(_nativestyle_unquote "$program")
  command -v -- "$program" >/dev/null 2>&1 || program=nativestyle

  # It starts in half the time if it is not compiled for speed.
  local mode prefix text
  COMPREPLY=()
  {
    IFS= read -r mode && IFS= read -r prefix || return 0
    while IFS=$'\t' read -r text _; do COMPREPLY+=("$text"); done
  } < <(DOTNET_TieredCompilation=1 "$program" '[complete]' "${plain[@]}" 2>/dev/null)

  # Readline completes names of files and folders by itself where there is nothing else, with all kinds of quotes.
  local options=""
  case $mode in
    folders*) options="+o default -o dirnames" ;;
    words*) options="+o default +o bashdefault" ;;
  esac
  case $mode in
    files* | folders*)
      if ((${#COMPREPLY[@]} > 0)) || [[ $prefix == *, ]]; then
        local kind=-f
        [[ $mode != folders* ]] || kind=-d
        options+=" -o filenames"
        while IFS= read -r text; do COMPREPLY+=("$prefix$text"); done < <(compgen "$kind" -- "${current#"$prefix"}")
      fi
      ;;
  esac
  [[ $mode != *nospace || $mode == files* ]] || options+=" -o nospace"
  [[ -z $options ]] || compopt $options 2>/dev/null

  # Only what follows the last break is replaced.
  local broken=""
  [[ $COMP_WORDBREAKS != *=* || $current != *=* ]] || broken=${current%"${current##*=}"}
  [[ $COMP_WORDBREAKS != *:* || ${current##*=} != *:* ]] || broken=${current%"${current##*:}"}
  for ((i = 0; i < ${#COMPREPLY[@]}; i++)); do COMPREPLY[i]=${COMPREPLY[i]#"$broken"}; done
}

_nativestyle_unquote() {
  local text=$1
  case $text in
    \"*) text=${text#\"}; text=${text%\"} ;;
    \'*) text=${text#\'}; text=${text%\'}; printf '%s' "$text"; return ;;
  esac
  printf '%s' "${text//\\/}"
}

complete -o bashdefault -o default -F _nativestyle nativestyle nativestyle.exe
