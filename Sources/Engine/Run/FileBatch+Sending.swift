import Logging
import SlipwayModel
import Synchronization

/// From claimed files to proven objects.
extension FileBatch {
  private struct Work: Sendable {
    let sender: FileSender
    let sending: UploadFeed.Sending
  }

  func send(_ members: [Member], _ recorder: UploadRecorder) async {
    let works = works(members, recorder)
    let turn = Turn(below: works.count)
    // A worker that sees that nothing can be recorded any more ends all; the failure is the recorder's.
    try? await withThrowingDiscardingTaskGroup { group in
      for _ in 0..<min(shared.slots.count, works.count) {
        group.addTask {
          while !Task.isCancelled {
            guard let index = turn.take() else { return }
            try await Self.carryOut(works[index])
          }
        }
      }
    }
  }

  /// Which one is next. Any task.
  private final class Turn: Sendable {
    private let count: Int
    private let next = Mutex(0)

    init(below count: Int) { self.count = count }

    func take() -> Int? {
      next.withLock { next in
        defer { next += 1 }
        return next < count ? next : nil
      }
    }
  }

  private nonisolated(nonsending) static func carryOut(_ work: Work) async throws(CancellationError) {
    let target = work.sending.target
    if work.sender.tally.leavesOut(target.name) { return }
    await target.lane.acquire()
    await work.sender.send(work.sending)
    target.lane.giveBack()
    if work.sender.cannotRecord { throw CancellationError() }
  }

  private func works(_ members: [Member], _ recorder: UploadRecorder) -> [Work] {
    let lanes = shared.slots.lanes(to: context.destinations.map(\.name))
    let targets = context.destinations.compactMap { destination -> UploadFeed.Target? in
      guard let store = ports.stores[destination.name], let lane = lanes[destination.name] else { return nil }
      return UploadFeed.Target(destination, store, lane)
    }
    return members.flatMap { member in
      let session = member.session
      let sender = FileSender(
        run: session.run.id, tree: session.place, files: ports.files, claim: member.claim,
        attributes: session.run.attributes, hookTags: session.run.output.tags, meter: shared.meter, recorder: recorder,
        journal: ports.ledger, tally: member.tally, log: session.log)
      return targets.map { target in
        Work(
          sender: sender,
          sending: UploadFeed.Sending(
            path: .here, planned: member.planned, key: joinedKey(target.prefix, member.planned.key.bytes),
            target: target))
      }
    }
  }

  /// What a destination could not make durable it has to be given again.
  func settle(_ members: [Member]) async {
    let runs = members.map(\.session.run.id)
    for destination in context.destinations {
      do throws(Failure) {
        try await ports.stores[destination.name]?.settle(runs)
      } catch {
        logger.error("\(error.message)", metadata: ["destination": "\(destination.name)"])
        for member in members {
          member.tally.unsettled(error, at: destination.name)
          member.session.note(.forgetDestination(member.session.run.id, destination.name))
        }
      }
    }
  }
}
