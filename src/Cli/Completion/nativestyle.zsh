#compdef nativestyle nativestyle.exe
# Completion of nativestyle for zsh. To have it in every shell:
#   nativestyle completion zsh > "${fpath[1]}/_nativestyle"
# or in ~/.zshrc, after compinit:
#   source <(nativestyle completion zsh)

_nativestyle() {
  local program=${(Q)words[1]} mode prefix line
  program=${program/#\~\//$HOME/}
  (( $+commands[$program] )) || [[ -x $program ]] || program=nativestyle

  # The words as the program would get them, and the current one up to the cursor.
  local -a before typed meanings
  before=("${(@Q)words[2,CURRENT-1]}")
  local current=${(Q)PREFIX}
  # The program starts in half the time if it is not compiled for speed.
  {
    IFS= read -r mode && IFS= read -r prefix || return 1
    while IFS= read -r line; do
      typed+=("${line%%$'\t'*}")
      meanings+=("${line#*$'\t'}")
    done
  } < <(DOTNET_TieredCompilation=1 "$program" '[complete]' "${before[@]}" "$current" 2>/dev/null)

  local found=1 i
  local -a suffix shown
  [[ $mode != *nospace ]] || suffix=(-S '')
  if (( ${#typed} )); then
    local width=${#${(O@)typed//?/x}[1]}
    for (( i = 1; i <= ${#typed}; i++ )); do
      if [[ -n $meanings[i] ]]; then shown+=("${(r:width:)typed[i]}  -- $meanings[i]"); else shown+=("$typed[i]"); fi
    done
    # Options in a list with their meaning, words beside each other.
    if [[ -n ${(j::)meanings} ]]; then
      compadd -l -d shown "${suffix[@]}" -a typed && found=0
    else
      compadd "${suffix[@]}" -a typed && found=0
    fi
  fi

  [[ $mode == words* ]] && return found
  case $prefix in
    *,) compset -P '*,' ;;
    *=) compset -P 1 '*=' ;;
  esac
  if [[ $mode == folders* ]]; then _files -/ && found=0; else _files && found=0; fi
  return found
}

# As a file of fpath, this is the body of the function itself.
if [[ $funcstack[1] == _nativestyle ]]; then
  _nativestyle "$@"
else
  compdef _nativestyle nativestyle nativestyle.exe
fi
