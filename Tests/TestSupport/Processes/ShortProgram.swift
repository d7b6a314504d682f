import Glibc

/// Runs a program that ends soon, without a shell, input or output; whether it ended with 0. Blocks, for that process alone:
/// who else has inherited its descriptors makes no difference. For conditions of tests, which cannot wait in another way.
package func succeeds(_ words: [String]) -> Bool {
  var actions = posix_spawn_file_actions_t()
  posix_spawn_file_actions_init(&actions)
  defer { posix_spawn_file_actions_destroy(&actions) }
  for number: Int32 in 0...2 { posix_spawn_file_actions_addopen(&actions, number, "/dev/null", O_RDWR, 0) }
  let arguments = words.map { strdup($0) } + [nil]
  defer { for argument in arguments { free(argument) } }
  var child = pid_t()
  guard posix_spawnp(&child, words[0], &actions, nil, arguments, environ) == 0 else { return false }
  var status: Int32 = -1
  while waitpid(child, &status, 0) < 0, errno == EINTR {}
  return status == 0
}
