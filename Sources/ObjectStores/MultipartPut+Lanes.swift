import HTTPTransport
import S3Client
import SlipwayModel

/// The lanes that hash parts and send them.
extension MultipartPut {
  /// One lane goes on in this task; others come beside it while there are places for them. All give their places back
  /// after every part, so that a run that waits is not held up: this one waits for another, the others end.
  func send(_ sending: PartSending) async {
    var isFirst = true
    await withDiscardingTaskGroup { group in
      while let part = await nextPart(sending) {
        if !isFirst {
          context.permits.giveBack()
          await context.permits.acquire()
        }
        isFirst = false
        while sending.mayAddLane, context.permits.tryTake() {
          sending.laneBegan()
          group.addTask { await lane(sending) }
        }
        await send(part, sending)
      }
    }
  }

  private func lane(_ sending: PartSending) async {
    var holdsPlace = true
    while holdsPlace, let part = await nextPart(sending) {
      await send(part, sending)
      context.permits.giveBack()
      holdsPlace = context.permits.tryTake()
    }
    if holdsPlace { context.permits.giveBack() }
    sending.laneEnded()
  }

  private func nextPart(_ sending: PartSending) async -> PartSending.HashedPart? {
    while true {
      switch sending.next() {
      case .hash(let numbers): hash(numbers, sending)
      case .send(let part): return part
      case .wait: await sending.groupEnded()
      case .end: return nil
      }
    }
  }

  private func hash(_ numbers: [Int], _ sending: PartSending) {
    var parts: [PartSending.HashedPart] = []
    do throws(Failure) {
      let digests = try reader.digests(of: file, numbers.map { sending.plan.range(of: $0) }, key)
      parts = zip(numbers, digests).map { PartSending.HashedPart(number: $0, digests: $1) }
    } catch {
      sending.failed(S3Error(error))
    }
    sending.hashed(parts)
  }

  private func send(_ hashed: PartSending.HashedPart, _ sending: PartSending) async {
    do throws(S3Error) {
      let range = sending.plan.range(of: hashed.number)
      let body = HTTPBody.file(FilePart(file: file, offset: range.lowerBound, count: Int64(range.count)))
      let part = try await client.uploadPart(
        hashed.number, of: sending.open, body, digests: hashed.digests, progress: context.progress)
      do throws(Failure) {
        try await context.journal.prove(part, of: sending.open)
      } catch {
        throw S3Error(error)
      }
      sending.proved(part)
    } catch {
      sending.failed(error)
    }
  }
}
