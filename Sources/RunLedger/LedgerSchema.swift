import GRDB
import SlipwayModel

/// The tables, and how an older file comes to have them.
///
/// Names are BLOBs, as the kernel gave them. Times are nanoseconds since 1970. Unsigned numbers stand by their bits.
/// Where trees have no marker, the halves of a digest of their fingerprints stand in the columns of its inode and mtime.
/// Nothing has AUTOINCREMENT: a new row's number is one more than the highest, which is the order of insertion.
enum LedgerSchema {
  /// "Slpw", in the header of the file, so that no other program's database is taken for a ledger.
  static let applicationID = 0x536C_7077

  /// One step a version; the version of a file is the number of steps it has had. A step is never changed once a
  /// release has carried it out.
  static let migrations: [String] = [version1, version2, version3, version4, version5, version6, version7, version8]

  private static let version1 = """
    CREATE TABLE trees (
      number INTEGER PRIMARY KEY,
      workflow TEXT NOT NULL,
      watch BLOB NOT NULL,
      name BLOB NOT NULL,
      answered_inode INTEGER,
      answered_modified INTEGER,
      UNIQUE (workflow, watch, name)
    ) STRICT;
    CREATE INDEX answered_trees ON trees (workflow, watch, name) WHERE answered_inode IS NOT NULL;

    CREATE TABLE runs (
      number INTEGER PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      tree INTEGER NOT NULL REFERENCES trees,
      marker_inode INTEGER,
      marker_modified INTEGER,
      created INTEGER NOT NULL,
      state TEXT NOT NULL,
      -- of state 'waiting' only
      wait_stage TEXT,
      wait_until INTEGER,
      wait_reason TEXT,
      is_deferral INTEGER,
      outcome TEXT,
      attempt INTEGER NOT NULL,
      failures INTEGER NOT NULL,
      error TEXT NOT NULL,
      target_prefix BLOB,
      hook_target_prefix BLOB NOT NULL,
      updated INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX runs_of_tree ON runs (tree);
    CREATE INDEX unfinished_runs ON runs (number) WHERE state NOT IN ('done', 'failed', 'skipped', 'cancelled');

    -- what pre hooks wrote: kind is 'tag' or 'metadata'
    CREATE TABLE hook_outputs (
      run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
      kind TEXT NOT NULL,
      name TEXT NOT NULL,
      value TEXT NOT NULL,
      PRIMARY KEY (run, kind, name)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE hooks (
      number INTEGER PRIMARY KEY,
      run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
      phase TEXT NOT NULL,
      hook TEXT NOT NULL,
      attempt INTEGER NOT NULL,
      started INTEGER NOT NULL,
      -- NULL while it runs: 'exited', 'signalled', 'timed out', 'cancelled' or 'could not start'
      ending TEXT,
      ending_number INTEGER,
      ending_reason TEXT,
      output BLOB,
      seconds INTEGER,
      attoseconds INTEGER,
      UNIQUE (run, phase, hook)
    ) STRICT;

    CREATE TABLE destinations (
      number INTEGER PRIMARY KEY,
      name TEXT NOT NULL UNIQUE
    ) STRICT;

    -- what stands in front of a run's paths in its keys
    CREATE TABLE key_heads (
      run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
      number INTEGER NOT NULL,
      bytes BLOB NOT NULL,
      PRIMARY KEY (run, number)
    ) STRICT, WITHOUT ROWID;

    -- The key is the head and the path, or the head and key_tail where that is not NULL. No foreign keys: to check
    -- them would make a row a third dearer, and the numbers are looked up in the same transaction.
    CREATE TABLE uploads (
      run INTEGER NOT NULL,
      path BLOB NOT NULL,
      destination INTEGER NOT NULL,
      head INTEGER NOT NULL,
      key_tail BLOB,
      device INTEGER NOT NULL,
      inode INTEGER NOT NULL,
      size INTEGER NOT NULL,
      modified INTEGER NOT NULL,
      changed_after INTEGER NOT NULL,   -- ctime - mtime: mostly 0, which takes no space
      error TEXT,                       -- NULL: proven
      is_permanent INTEGER,
      received INTEGER,                 -- the receipt's size where it is not the file's
      etag TEXT,                        -- NULL of a proven row: the checksum in hexadecimal
      algorithm INTEGER,                -- 1 md5, 2 sha256, 3 crc64nvme, 4 crc32c, 5 and 6 the first two of parts
      checksum BLOB,
      PRIMARY KEY (run, path, destination)
    ) STRICT, WITHOUT ROWID;

    -- which tree's path has used the objects under a stem of keys
    CREATE TABLE stems (
      destination INTEGER NOT NULL REFERENCES destinations,
      stem BLOB NOT NULL,
      path BLOB NOT NULL,
      PRIMARY KEY (destination, stem)
    ) STRICT, WITHOUT ROWID;
    """

  private static let version2 = """
    -- multipart uploads that are not over. A run cannot be removed while one is left: it would be nobody's then.
    CREATE TABLE multipart_uploads (
      number INTEGER PRIMARY KEY,
      run INTEGER NOT NULL REFERENCES runs,
      path BLOB NOT NULL,
      destination INTEGER NOT NULL REFERENCES destinations,
      key BLOB NOT NULL,
      device INTEGER NOT NULL,
      inode INTEGER NOT NULL,
      size INTEGER NOT NULL,
      modified INTEGER NOT NULL,
      changed INTEGER NOT NULL,
      token TEXT NOT NULL,
      part_size INTEGER NOT NULL,
      begun INTEGER NOT NULL,
      id TEXT,   -- NULL: the destination is about to be asked for it
      UNIQUE (run, path, destination)
    ) STRICT;

    CREATE TABLE multipart_parts (
      upload INTEGER NOT NULL REFERENCES multipart_uploads ON DELETE CASCADE,
      number INTEGER NOT NULL,
      etag TEXT NOT NULL,
      checksum BLOB NOT NULL,
      PRIMARY KEY (upload, number)
    ) STRICT, WITHOUT ROWID;
    """

  private static let version3 = """
    -- 1: the object lay there already, equal, and was not sent; NULL: it was sent, or has failed
    ALTER TABLE uploads ADD COLUMN is_found INTEGER;
    """

  private static let version4 = """
    -- where a run has failed for good, and goes on when it is retried
    ALTER TABLE runs ADD COLUMN failed_stage TEXT;
    """

  private static let version5 = """
    -- what the tree itself said, fixed with the plan: kind is 'filter' or 'exclude' (name: line and column, value: the
    -- pattern), 'tag', 'metadata', 'target prefix' or 'file' (both without a name)
    CREATE TABLE tree_settings (
      run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
      kind TEXT NOT NULL,
      name TEXT NOT NULL,
      value TEXT NOT NULL,
      PRIMARY KEY (run, kind, name)
    ) STRICT, WITHOUT ROWID;
    """

  private static let version6 = """
    -- for NOT IN a list SQLite makes a table at each change of a row
    DROP INDEX unfinished_runs;
    CREATE INDEX unfinished_runs ON runs (number)
      WHERE state <> 'done' AND state <> 'failed' AND state <> 'skipped' AND state <> 'cancelled';

    -- where the objects of a mirror lie, and whether all of them are known
    CREATE TABLE mirrors (
      tree INTEGER NOT NULL REFERENCES trees,
      destination INTEGER NOT NULL REFERENCES destinations,
      address TEXT NOT NULL,
      is_complete INTEGER NOT NULL,
      PRIMARY KEY (tree, destination)
    ) STRICT, WITHOUT ROWID;

    -- As in uploads, without a run; no inode: what lies at the key is not known.
    CREATE TABLE mirrored (
      tree INTEGER NOT NULL,
      path BLOB NOT NULL,
      destination INTEGER NOT NULL,
      state INTEGER,                    -- NULL: the file is there; 1 it is gone, 2 and another key has its content
      device INTEGER,
      inode INTEGER,
      size INTEGER,
      modified INTEGER,
      changed_after INTEGER,
      received INTEGER,
      etag TEXT,
      algorithm INTEGER,
      checksum BLOB,
      PRIMARY KEY (tree, path, destination)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX mirrored_inodes ON mirrored (tree, inode);
    CREATE INDEX mirrored_to_delete ON mirrored (tree, destination, path) WHERE state IS NOT NULL;
    """

  private static let version7 = """
    -- the watched directory as the last run of a mirror that was done saw it; born NULL: its file system does not tell
    CREATE TABLE mirror_roots (
      tree INTEGER PRIMARY KEY REFERENCES trees,
      inode INTEGER NOT NULL,
      born INTEGER
    ) STRICT;
    """

  private static let version8 = """
    -- the directories of a mirror on which other file systems were mounted
    CREATE TABLE mirror_mounts (
      tree INTEGER NOT NULL REFERENCES trees,
      path BLOB NOT NULL,
      PRIMARY KEY (tree, path)
    ) STRICT, WITHOUT ROWID;

    -- requests for multipart uploads of which it is not known what they have made
    CREATE TABLE unanswered_uploads (
      destination INTEGER NOT NULL REFERENCES destinations,
      key BLOB NOT NULL,
      first INTEGER NOT NULL,
      latest INTEGER NOT NULL,
      PRIMARY KEY (destination, key)
    ) STRICT, WITHOUT ROWID;

    -- where a destination's objects lie; what runs up to that number have proven is true of another place
    CREATE TABLE addresses (
      destination INTEGER PRIMARY KEY REFERENCES destinations,
      address TEXT NOT NULL,
      latest_elsewhere INTEGER NOT NULL
    ) STRICT;
    """

  /// Brings a ledger, or an empty new file, to the version that this program knows; all steps or none.
  static func migrate(_ database: Database, at path: BytePath) throws {
    let version = try version(of: database, at: path)
    guard version < migrations.count else { return }
    try database.inTransaction(.immediate) {
      for step in migrations[version...] { try database.execute(sql: step) }
      try database.execute(sql: "PRAGMA application_id = \(applicationID); PRAGMA user_version = \(migrations.count)")
      return .commit
    }
  }

  /// The file's version, 0 for an empty one. Throws for a newer one, and for what is no ledger.
  static func version(of database: Database, at path: BytePath) throws -> Int {
    let application = try integer("PRAGMA application_id", of: database)
    let version = try integer("PRAGMA user_version", of: database)
    if application == 0, version == 0, try integer("SELECT count(*) FROM sqlite_master", of: database) == 0 { return 0 }
    guard application == applicationID else {
      throw Failure(
        .fatal, "open", "the ledger \(path)", code: "NotALedger", cause: "it is another program's database",
        remedy: "give Slipway a state directory of its own")
    }
    guard version <= migrations.count else {
      throw Failure(
        .fatal, "open", "the ledger \(path)", code: "NewerSchema",
        cause: "it has version \(version), and this Slipway knows no later one than \(migrations.count)",
        remedy: "use the Slipway that wrote it, or another state directory")
    }
    return version
  }

  private static func integer(_ sql: String, of database: Database) throws -> Int {
    try database.makeStatement(sql: sql).first { $0.column(0) } ?? 0
  }
}
