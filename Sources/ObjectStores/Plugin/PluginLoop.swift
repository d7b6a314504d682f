import Glibc
import SlipwayModel

/// The life of a plugin on a thread of its own: starts its process, writes requests, reads answers, watches deadlines.
///
/// A request is answered once: by the plugin, by its deadline, by the task's cancellation or by the end of the process.
/// What a request gave the plugin to open stays open until the plugin has answered or its process is gone.
final class PluginLoop {
  private struct Sent {
    let ticket: PluginTicket
    let deadline: ContinuousClock.Instant
  }

  let plan: Plan
  private let inbox: PluginInbox
  private var waiting: [PluginTicket] = []
  private var sent: [UInt64: Sent] = [:]
  /// Sent, and nobody waits for the answer any more.
  private var late: [UInt64: PluginRequest] = [:]
  private var lastSent: UInt64 = 0
  private var isClosing = false

  private var process: PluginProcess?
  private var greeting: PluginGreeting?
  private var helloDeadline = ContinuousClock.now
  private var restUntil = ContinuousClock.now
  private var lines = LineCutter(limit: PluginAnswer.lineLimit)
  private var log: PluginLog
  private var chunk = [UInt8](repeating: 0, count: 64 << 10)

  /// In a row, since the last answer.
  private var deaths = 0
  private var hangs = 0
  private var surplus = 0

  init(_ plan: Plan, _ inbox: PluginInbox) {
    self.plan = plan
    self.inbox = inbox
    log = PluginLog(plan.destination, plan.logger)
  }

  /// Returns once the inbox is closed and the process gone. Once.
  func run() {
    while true {
      takeWishes()
      if isClosing, finishAll() { return }
      advance()
      turn()
    }
  }

  private func takeWishes() {
    let content = inbox.take()
    isClosing = content.isClosing
    waiting += content.asked
    for id in content.cancelled { cancel(id) }
  }

  private func cancel(_ id: UInt64) {
    if let index = waiting.firstIndex(where: { $0.id == id }) {
      let ticket = waiting.remove(at: index)
      ticket.reply(.failure(plan.stopped(ticket.request)))
    } else if let ticket = sent[id]?.ticket {
      abandon(ticket, plan.stopped(ticket.request))
    }
  }

  private func abandon(_ ticket: PluginTicket, _ failure: Failure) {
    sent[ticket.id] = nil
    late[ticket.id] = ticket.request
    ticket.reply(.failure(failure))
    if late.count > plan.pace.lateMax { lose("has left \(late.count) requests unanswered") }
  }

  /// Ends the process, and with it what is still asked; whether nothing more can come.
  private func finishAll() -> Bool {
    endProcess(.orderly)
    for ticket in waiting + sent.values.map(\.ticket) { ticket.reply(.failure(plan.stopped(ticket.request))) }
    (waiting, sent, late) = ([], [:], [:])
    return inbox.finish()
  }

  // MARK: Forward

  /// Starts the process where it is needed, and writes what it may be given.
  private func advance() {
    if waiting.isEmpty { return }
    if process == nil, ContinuousClock.now >= restUntil { start() }
    guard let greeting else { return }
    while sent.count < greeting.atOnce, let next = waiting.first {
      // What was given up may still come to pass, after what is asked now: only the end of its process rules that out.
      if late.values.contains(where: { $0.isWrite && $0.key == next.request.key }) {
        return lose("has not answered an earlier request for \(next.request.key)")
      }
      waiting.removeFirst()
      send(next, greeting)
    }
  }

  private func start() {
    do throws(Failure) {
      let process = try PluginProcess(plan.command, plan.subject)
      plan.live.set(process.pid)
      self.process = process
      greeting = nil
      lines = LineCutter(limit: PluginAnswer.lineLimit)
      helloDeadline = .now + plan.pace.helloLimit
      self.process?.queue(PluginRequest.hello(plan.destination).line(id: 0))
    } catch {
      countDeath()
      failWaiting(error)
    }
  }

  private func send(_ ticket: PluginTicket, _ greeting: PluginGreeting) {
    let request = ticket.request
    if request.operation == .hello { return ticket.reply(.success(greeting.answer)) }
    guard greeting.operations.contains(request.operation) else {
      return ticket.reply(.failure(plan.notOffered(request)))
    }
    sent[ticket.id] = Sent(ticket: ticket, deadline: .now + plan.settings.timeout)
    lastSent = max(lastSent, ticket.id)
    process?.queue(request.line(id: ticket.id))
  }

  // MARK: Waiting

  /// Waits until something is to be done, and does what the descriptors and the clock ask for.
  private func turn() {
    let process = process
    var entries = [inbox.wakeUp, process?.output ?? -1, process?.errors ?? -1, process?.inputToWatch ?? -1].map {
      pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
    }
    entries[3].events = Int16(POLLOUT)
    poll(&entries, nfds_t(entries.count), timeToWait)
    if entries[2].revents != 0 { readErrors() }
    if entries[3].revents != 0 { self.process?.write() }
    if entries[1].revents != 0 { readOutput() }
    checkDeadlines()
  }

  /// In milliseconds; -1 where only the descriptors matter.
  private var timeToWait: Int32 {
    var moments = sent.values.map(\.deadline)
    if process != nil, greeting == nil { moments.append(helloDeadline) }
    if process == nil, !waiting.isEmpty { moments.append(restUntil) }
    guard let first = moments.min() else { return -1 }
    let left = (first - ContinuousClock.now).nanoseconds / 1_000_000 + 1
    return Int32(clamping: max(0, left))
  }

  private func checkDeadlines() {
    let now = ContinuousClock.now
    if process != nil, greeting == nil, helloDeadline <= now { return lose("did not answer 'hello'") }
    for entry in sent.values where entry.deadline <= now {
      let ticket = entry.ticket
      // The end of the process may have answered it already.
      if sent[ticket.id] == nil { continue }
      hangs += 1
      abandon(ticket, plan.notAnswered(ticket.request))
    }
    if hangs >= plan.pace.hangsMax { lose("has not answered \(hangs) requests in time") }
  }

  // MARK: Reading

  private func readErrors() {
    guard let descriptor = process?.errors else { return }
    let count = read(descriptor, &chunk, chunk.count)
    if count > 0 { chunk.withUnsafeBytes { log.append(UnsafeRawBufferPointer(rebasing: $0[..<count])) } }
    // Its end tells nothing: a plugin may close it. It would be readable for ever.
    if count == 0 { process?.muteErrors() }
  }

  private func readOutput() {
    guard let descriptor = process?.output else { return }
    let count = read(descriptor, &chunk, chunk.count)
    if count == 0 { return lose(nil) }
    if count < 0 { return }
    var taken: [(line: [UInt8], isCut: Bool)] = []
    chunk.withUnsafeBytes { bytes in
      lines.append(UnsafeRawBufferPointer(rebasing: bytes[..<count])) { line, isCut in
        taken.append((line, isCut))
        return true
      }
    }
    let pid = process?.pid
    for (line, isCut) in taken where process?.pid == pid {
      if isCut { return lose("wrote a line of more than \(PluginAnswer.lineLimit) bytes") }
      take(line)
    }
    if lines.isCut { lose("wrote a line of more than \(PluginAnswer.lineLimit) bytes") }
  }

  private func take(_ line: [UInt8]) {
    guard let answer = PluginAnswer(line) else {
      return lose("wrote a line to stdout that is no answer: '\(escaped(line.prefix(80)))'")
    }
    if greeting == nil { return greet(answer) }
    if let entry = sent.removeValue(forKey: answer.id) {
      (deaths, hangs, surplus) = (0, 0, 0)
      return entry.ticket.reply(.success(answer))
    }
    guard answer.id > 0, answer.id <= lastSent else { return lose("answered a request that was never made") }
    late[answer.id] = nil
    surplus += 1
    if surplus > plan.pace.surplusMax { lose("goes on answering what nobody has asked") }
  }

  private func greet(_ answer: PluginAnswer) {
    if answer.id != 0 { return lose("answered something else than 'hello' first") }
    do throws(Failure) {
      let greeting = try PluginGreeting(answer, of: plan.settings, plan.subject)
      plan.live.greeting = greeting
      self.greeting = greeting
    } catch {
      endProcess(.orderly)
      countDeath()
      failWaiting(error)
    }
  }

  // MARK: Ends

  /// Ends the process for what it did, or because its output has ended (nil). What it was asked fails, and may go well
  /// with the next one.
  private func lose(_ reason: String?) {
    guard let process else { return }
    let isGreeted = greeting != nil
    if reason == nil { self.process?.wait(Self.lastMoment) { _ in } }
    let cause = reason ?? self.process?.ending ?? "closed its output"
    log.note("\(plan.subject) \(cause)" + (reason == nil ? "" : "; it is ended") + " (pid \(process.pid))")
    endProcess(.bySignals)
    countDeath()
    for ticket in sent.values.map(\.ticket) { ticket.reply(.failure(plan.ended(ticket.request, cause))) }
    sent = [:]
    guard deaths >= plan.pace.deathsMax || (!isGreeted && reason != nil) else { return }
    failWaiting(plan.ended(cause))
  }

  /// How long the output's end is ahead of the process's.
  private static let lastMoment = Duration.milliseconds(200)

  private func endProcess(_ manner: PluginProcess.Manner) {
    guard process != nil else { return }
    process?.end(manner, grace: plan.grace) { process in drain(process) }
    // From the reaping on its number may be another's.
    plan.live.set(0)
    process?.reap()
    plan.command.strays.end()
    log.finish()
    (process, greeting, late) = (nil, nil, [:])
    (hangs, surplus) = (0, 0)
  }

  private func countDeath() {
    deaths += 1
    restUntil = .now + plan.pace.rest(after: deaths)
  }

  private func failWaiting(_ failure: Failure) {
    for ticket in waiting { ticket.reply(.failure(failure)) }
    waiting = []
  }

  /// What a process that is being ended still writes: its complaints to the log, its answers nowhere.
  private func drain(_ process: PluginProcess) {
    for _ in 0..<Self.drainReads {
      let count = read(process.errors, &chunk, chunk.count)
      if count > 0 { chunk.withUnsafeBytes { log.append(UnsafeRawBufferPointer(rebasing: $0[..<count])) } }
      if count <= 0, read(process.output, &chunk, chunk.count) <= 0 { return }
    }
  }

  private static let drainReads = 64
}
