import SlipwayModel
struct DirectoryStore: ObjectStore {
  init(root: BytePath) {}
  func put(_ file: any OpenFile, at key: ObjectKey, attributes: ObjectAttributes, progress: TransferMeter) async throws(Failure) -> PutReceipt { throw Failure(.permanent, "x", "y", cause: "z") }
  func settle() async throws(Failure) {}
  func url(of key: ObjectKey) -> String { "" }
}
