# How the lab's machines are reached. Sourced by `build` and `vm`; nothing of it is in the image.
# shellcheck shell=bash

# Writes the configurations of ssh for the instance in the current directory.
write_ssh_files() { # image-directory port
  local here
  here=$(pwd)
  printf '[127.0.0.1]:%s %s\n' "$2" "$(cut -d' ' -f1,2 "$1/host_key.pub")" > known_hosts
  cat > vbs_ssh_config <<END
# For vbs, which brings its own host keys: what a user's configuration would say.
Host *
  IdentityFile $1/key
  IdentitiesOnly yes
END
  {
    cat <<END
Host vm 127.0.0.1
  HostName 127.0.0.1
  Port $2
  User root
  IdentityFile $1/key
  IdentitiesOnly yes
  BatchMode yes
  StrictHostKeyChecking yes
  UserKnownHostsFile $here/known_hosts
  GlobalKnownHostsFile /dev/null
  ConnectTimeout 60
  ServerAliveInterval 15
  LogLevel ERROR
END
    # A socket's path has 108 bytes at most, and ssh adds 17 while it makes it.
    if [ "${#here}" -lt 80 ]; then
      printf '  ControlMaster auto\n  ControlPath %s/mux-%%r\n  ControlPersist 600\n' "$here"
    fi
  } > ssh_config
  printf '%s\n' "$2" > port
}

# Waits until the guest's sshd lets root in. A connection made before the guest listens is answered by nobody, so the first
# tries are short ones; a guest that has little of a busy processor needs longer ones.
wait_for_ssh() { # seconds
  local end=$((SECONDS + $1)) problem="" patience=5
  while [ "$SECONDS" -lt "$end" ]; do
    problem=$(timeout $((patience + 10)) ssh -F ssh_config -o ControlMaster=no -o ControlPath=none \
      -o ConnectTimeout="$patience" vm true 2>&1) && return 0
    [ "$patience" -ge 40 ] || patience=$((patience + 5))
    sleep 0.2
  done
  echo "no ssh after $1 s: $problem" >&2
  return 1
}

# Ends the shared connections of the instance in the current directory.
hang_up() {
  local socket
  for socket in mux-*; do
    [ ! -S "$socket" ] || ssh -F ssh_config -l "${socket#mux-}" -O exit vm 2>/dev/null || true
    rm -f "$socket"
  done
}
