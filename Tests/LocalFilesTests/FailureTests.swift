import Glibc
import SlipwayModel
import Testing

@testable import LocalFiles

@Suite("What an errno means")
struct FailureTests {
  @Test("Limits, lost servers and vanished files pass; permissions stay as they are")
  func kinds() {
    for number in [EMFILE, ENFILE, ENOMEM, EAGAIN, EIO, ESTALE, ENOSPC, ENOENT] {
      #expect(Failure(errno: number, operation: "open", subject: "x").kind == .transient(retryAfter: nil))
    }
    for number in [EACCES, EPERM, EROFS, ENAMETOOLONG, EINVAL] {
      #expect(Failure(errno: number, operation: "open", subject: "x").kind == .permanent)
    }
  }

  @Test("A message names the file escaped, the cause, and what to do")
  func message() {
    let failure = Failure(errno: EMFILE, operation: "open", subject: BytePath("a\nb"))
    #expect(failure.code == "EMFILE")
    #expect(
      failure.message == """
        cannot open a\\nb: Too many open files; \
        raise the limit of open files (`ulimit -n`, LimitNOFILE= in the unit)
        """)
    #expect(Failure(errno: 4095, operation: "open", subject: "x").code == "errno 4095")
  }
}
