import Glibc
import SlipwayModel
import Testing

func plainRun(_ number: Int) -> Run {
  let tree = TreeID(workflow: WorkflowName("w"), watch: BytePath("/srv"), name: BytePath("tree-\(number)"))
  return Run(
    id: RunID(at: Timestamp(seconds: Int64(number)), entropy: (0, 0)), tree: tree, marker: nil,
    created: Timestamp(seconds: Int64(number)))
}

func upload(
  of run: Run, _ path: String, _ status: UploadRecord.Status = .proven(PutReceipt(size: 3, etag: "", checksum: nil))
) -> UploadRecord {
  UploadRecord(
    run: run.id, destination: DestinationName("artifacts"), path: BytePath(path),
    fingerprint: Fingerprint(device: 1, inode: 2, size: 3, modified: 4, changed: 5), key: ObjectKey("builds/\(path)"),
    status: status)
}

func removeFile(_ path: BytePath) throws {
  try #require(unlink(path.description) == 0)
}
