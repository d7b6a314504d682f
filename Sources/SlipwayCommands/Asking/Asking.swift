import ArgumentParser
import Engine
import LocalFiles
import RunLedger
import SlipwayModel
import StatusServing

/// Has a request done by the process that holds the state directory, or does it here under its lock where none does.
struct Asking {
  let assembly: Assembly

  /// A process that has taken the lock and has not opened its socket yet, or closed it and not given the lock back,
  /// has so long.
  private static let patience = Duration.seconds(5)
  private static let pause = Duration.milliseconds(50)

  /// Prints what is answered, or throws the exit code.
  func run(
    _ request: ControlRequest, alone: @Sendable (SQLiteLedger) async throws(Failure) -> RunAnswers
  ) async throws {
    let answer: ControlAnswer
    do throws(Failure) {
      answer = try await self.answer(to: request, alone)
    } catch {
      StandardError.shared.write("slipway: \(error.message)")
      throw Exit.code(for: error)
    }
    guard answer.verdict == .done else {
      StandardError.shared.write("slipway: \(String(decoding: answer.text, as: UTF8.self))")
      throw Self.code(for: answer.verdict)
    }
    print(String(decoding: answer.text, as: UTF8.self))
  }

  static func code(for verdict: ControlAnswer.Verdict) -> ExitCode {
    switch verdict {
    case .done: Exit.success
    case .refused: Exit.software
    case .notThere: Exit.usage
    case .wrongState, .failed: Exit.failure
    case .later: Exit.tryAgain
    }
  }

  private func answer(
    to request: ControlRequest, _ alone: @Sendable (SQLiteLedger) async throws(Failure) -> RunAnswers
  ) async throws(Failure) -> ControlAnswer {
    try await refuseWithoutLedger()
    let deadline = ContinuousClock.now + Self.patience
    while true {
      let isLast = ContinuousClock.now > deadline
      if let answer = try await Self.ask(assembly.stateDirectory, request), answer.verdict != .later || isLast {
        return answer
      }
      do throws(Failure) {
        return try await answerAlone(request, alone)
      } catch {
        if error.code != Failure.inUse || isLast { throw error }
      }
      // A cancelled pause asks at once, which is never wrong.
      try? await Task.sleep(for: Self.pause)
    }
  }

  /// nil if no process answers.
  static func ask(_ state: BytePath, _ request: ControlRequest) async throws(Failure) -> ControlAnswer? {
    let thread = try FileThreads(count: 1)
    let task = Task(executorPreference: thread) {
      Result { () throws(Failure) in try ControlClient(in: state).send(request) }
    }
    return try await task.value.get()
  }

  /// The lock would make a state directory where there is none.
  private func refuseWithoutLedger() async throws(Failure) {
    do throws(Failure) {
      await (try await SQLiteLedger(readingAt: assembly.stateDirectory)).close()
    } catch {
      if error.code == SQLiteLedger.noLedger { throw error }
    }
  }

  private func answerAlone(
    _ request: ControlRequest, _ alone: @Sendable (SQLiteLedger) async throws(Failure) -> RunAnswers
  ) async throws(Failure) -> ControlAnswer {
    let ledger = try await assembly.openLedger()
    let answer: Result<ControlAnswer, Failure>
    do throws(Failure) {
      answer = .success(await (try await alone(ledger)).answer(request))
    } catch {
      answer = .failure(error)
    }
    await ledger.close()
    return try answer.get()
  }
}
