/// A server of S3 that does some things in its own way; `server:` of a destination.
public enum S3ServerKind: String, Sendable, Hashable, CaseIterable {
  case aws, ceph, minio, r2, b2
}
