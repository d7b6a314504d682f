import CLibcurl
import Glibc
import SlipwayModel

/// Waits for sockets by epoll(7). For one thread.
///
/// A kept connection stays registered between two transfers, because taking it out and putting it in again would be
/// two system calls a request. It says nothing meanwhile, unless the server closes it; then it is taken out. Any other
/// descriptor is taken out as soon as nobody waits for it: libcurl closes those of its resolver by itself, and a new
/// connection may get the same number.
final class SocketPoller {
  private struct Socket {
    /// What epoll has been told; 0: it does not know the socket.
    var registered: UInt32 = 0
    /// Whether a transfer waits for it.
    var isWanted = false
    /// Whether its end will be told.
    var isConnection = false
  }

  private let epoll: Int32
  private let wakeDescriptor: Int32
  /// By descriptor; the kernel gives the lowest free number, so this stays short. Unchecked, since it is looked at
  /// several times a request.
  @exclusivity(unchecked) private var sockets: [Socket] = []
  private var events = [epoll_event](repeating: epoll_event(), count: SocketPoller.batch)

  /// How many events are taken at once.
  private static let batch = 64

  init(wakeDescriptor: Int32) throws(Failure) {
    self.wakeDescriptor = wakeDescriptor
    epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
    guard epoll >= 0 else { throw SystemProblem.failure("create", "an epoll descriptor") }
    guard tell(EPOLL_CTL_ADD, wakeDescriptor, EPOLLIN.rawValue) == 0 else {
      close(epoll)
      throw SystemProblem.failure("watch", "an event descriptor")
    }
  }

  deinit {
    close(epoll)
  }

  /// A new connection's socket.
  func open(_ socket: Int32) {
    makeRoom(for: socket)
    sockets[Int(socket)] = Socket(isConnection: true)
  }

  /// `interest` is one of libcurl's CURL_POLL values.
  func watch(_ socket: Int32, _ interest: Int32) {
    makeRoom(for: socket)
    guard interest != CURL_POLL_REMOVE else {
      sockets[Int(socket)].isWanted = false
      if !sockets[Int(socket)].isConnection { takeOut(socket) }
      return
    }
    sockets[Int(socket)].isWanted = true
    let wanted =
      (interest & CURL_POLL_IN != 0 ? EPOLLIN.rawValue : 0) | (interest & CURL_POLL_OUT != 0 ? EPOLLOUT.rawValue : 0)
    let registered = sockets[Int(socket)].registered
    guard registered != wanted else { return }
    let code = tell(registered == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, socket, wanted)
    sockets[Int(socket)].registered = code == 0 ? wanted : 0
  }

  /// The socket is about to be closed, which takes it out of epoll by itself.
  func forget(_ socket: Int32) {
    if Int(socket) < sockets.count { sockets[Int(socket)] = Socket() }
  }

  /// Waits up to `milliseconds` (negative: for ever) and calls `body` with each socket that has something to say, and
  /// libcurl's CURL_CSELECT bits.
  func wait(_ milliseconds: Int32, _ body: (Int32, Int32) -> Void) {
    let count = epoll_wait(epoll, &events, Int32(Self.batch), milliseconds)
    guard count > 0 else { return }
    for index in 0..<Int(count) {
      let (socket, what) = (events[index].data.fd, events[index].events)
      if socket == wakeDescriptor {
        drainWakeUps()
      } else if Int(socket) < sockets.count, sockets[Int(socket)].isWanted {
        body(socket, selectBits(what))
      } else {
        takeOut(socket)
      }
    }
  }

  private func makeRoom(for socket: Int32) {
    while sockets.count <= Int(socket) { sockets.append(Socket()) }
  }

  private func takeOut(_ socket: Int32) {
    _ = tell(EPOLL_CTL_DEL, socket, 0)
    sockets[Int(socket)].registered = 0
  }

  private func tell(_ operation: Int32, _ socket: Int32, _ interest: UInt32) -> Int32 {
    var event = epoll_event()
    event.events = interest
    event.data.fd = socket
    return epoll_ctl(epoll, operation, socket, &event)
  }

  private func drainWakeUps() {
    var count: eventfd_t = 0
    eventfd_read(wakeDescriptor, &count)
  }

  private func selectBits(_ what: UInt32) -> Int32 {
    (what & (EPOLLIN.rawValue | EPOLLHUP.rawValue) != 0 ? CURL_CSELECT_IN : 0)
      | (what & EPOLLOUT.rawValue != 0 ? CURL_CSELECT_OUT : 0)
      | (what & EPOLLERR.rawValue != 0 ? CURL_CSELECT_ERR : 0)
  }
}
