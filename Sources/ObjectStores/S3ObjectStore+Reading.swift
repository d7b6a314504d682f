import S3Client
import SlipwayModel

/// What is asked of a bucket beside `put`.
extension S3ObjectStore {
  package func head(_ key: ObjectKey) async throws(Failure) -> ObjectHead? {
    do throws(S3Error) { return try await client.headObject(key) } catch { throw error.failure }
  }

  package func get(_ key: ObjectKey, intoFile descriptor: Int32) async throws(Failure) -> ObjectHead {
    do throws(S3Error) {
      return try await client.readObject(key, intoFile: descriptor)
    } catch {
      throw error.failure
    }
  }

  package func list(under prefix: ObjectKey) -> any ObjectWalk {
    BucketWalk(entries: client.listObjects(under: prefix).makeAsyncIterator())
  }

  package func delete(_ keys: [ObjectKey]) async throws(Failure) -> [ObjectFailure] {
    do throws(S3Error) { return try await client.deleteObjects(keys) } catch { throw error.failure }
  }

  package func copy(_ source: ObjectKey, to key: ObjectKey, for run: RunID) async throws(Failure) -> PutReceipt {
    do throws(S3Error) { return try await client.copyObject(source, to: key) } catch { throw error.failure }
  }
}

/// A listing without a delimiter, in which there are objects alone.
private struct BucketWalk: ObjectWalk {
  var entries: ObjectListing.Iterator

  mutating func next() async throws(Failure) -> ListedObject? {
    do throws(S3Error) {
      while let entry = try await entries.next() {
        if case .object(let object) = entry { return object }
      }
      return nil
    } catch {
      throw error.failure
    }
  }
}
