// What Linux has and Swift's Glibc module does not show: system calls without a wrapper, functions
// with variable arguments, and macros that the importer cannot read.
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/stat.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

// openat2(2): opens path below directory; resolve takes RESOLVE_* flags.
static inline int slipway_openat2(int directory, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve) {
  struct open_how how = {.flags = flags, .mode = mode, .resolve = resolve};
  return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}
static const uint64_t slipway_resolve_beneath = RESOLVE_BENEATH;
static const uint64_t slipway_resolve_no_symlinks = RESOLVE_NO_SYMLINKS;
static const uint64_t slipway_resolve_no_magiclinks = RESOLVE_NO_MAGICLINKS;
// statx(2), STATX_BTIME: when the open file was made, in nanoseconds since 1970; -1 where nobody tells.
static inline int64_t slipway_birth_time(int descriptor) {
  struct statx status;
  if (syscall(SYS_statx, descriptor, "", 0x1000 /* AT_EMPTY_PATH */, STATX_BTIME, &status) != 0) return -1;
  if (!(status.stx_mask & STATX_BTIME)) return -1;
  return (int64_t)status.stx_btime.tv_sec * 1000000000 + status.stx_btime.tv_nsec;
}
// statx(2), STATX_ATTR_MOUNT_ROOT (Linux 5.8): 1 if the open directory is one on which something is mounted.
static inline int slipway_is_mount_point(int descriptor) {
  struct statx status;
  if (syscall(SYS_statx, descriptor, "", 0x1000 /* AT_EMPTY_PATH */, 0, &status) != 0) return 0;
  return (status.stx_attributes & 0x2000) != 0;
}
// syncfs(2), which <unistd.h> shows only under _GNU_SOURCE.
static inline int slipway_syncfs(int descriptor) { return (int)syscall(SYS_syncfs, descriptor); }

// prctl(2), PR_SET_CHILD_SUBREAPER.
static inline int slipway_become_subreaper(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1L, 0L, 0L, 0L); }
// prctl(2), PR_SET_DUMPABLE: with 0 no core is written and /proc/self is root's.
static inline int slipway_set_dumpable(int value) { return prctl(PR_SET_DUMPABLE, (long)value, 0L, 0L, 0L); }

// fcntl(2), F_SETLEASE; kind is F_RDLCK or F_UNLCK.
static inline int slipway_set_lease(int descriptor, int kind) { return fcntl(descriptor, 1024 /* F_SETLEASE */, kind); }
// renameat2(2) with RENAME_NOREPLACE.
static inline int slipway_rename_no_replace(int from_directory, const char *from, int to_directory, const char *to) {
  return (int)syscall(SYS_renameat2, from_directory, from, to_directory, to, 1u);
}

// O_PATH of open(2), which <fcntl.h> shows only under _GNU_SOURCE.
static const int slipway_open_path = 010000000;
// getdents64(2): bytes read into buffer, 0 at the end, -1 with errno.
static inline long slipway_getdents(int directory, void *buffer, size_t size) {
  return syscall(SYS_getdents64, directory, buffer, size);
}
// eventfd(2), counting from 0, close-on-exec and non-blocking.
static inline int slipway_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }
// glibc 2.32 and later: the name of an errno ("EACCES") and its untranslated text; NULL where it has none.
extern const char *strerrorname_np(int number);
extern const char *strerrordesc_np(int number);
// glibc 2.34 and later, shown only under _GNU_SOURCE: the child closes every descriptor from first on.
extern int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int first);
// glibc 2.29 and later, shown only under _DEFAULT_SOURCE: the child begins in this directory.
extern int posix_spawn_file_actions_addchdir_np(posix_spawn_file_actions_t *actions, const char *path);
// prctl(2), PR_SET_NAME: the calling thread's name, at most 15 bytes, as ps -L shows it.
static inline int slipway_name_thread(const char *name) { return prctl(PR_SET_NAME, name, 0L, 0L, 0L); }
// pipe2(2) with O_CLOEXEC: no process that another thread starts meanwhile inherits an end.
static inline int slipway_pipe(int ends[2]) { return (int)syscall(SYS_pipe2, ends, O_CLOEXEC); }
