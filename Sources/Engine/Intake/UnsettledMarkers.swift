import SlipwayModel

/// The markers, and files, that may still be written, and the ends of intakes that wait for them. Pure.
struct UnsettledMarkers {
  private struct Sighting {
    let identity: MarkerIdentity
    let since: Timestamp
  }

  private var sightings: [BytePath: Sighting] = [:]
  private var pending: Set<BytePath> = []
  private var heldBack: Set<WorkflowName> = []

  /// `marker` with the time for which it has been seen to stand still, where that is longer than its file system says:
  /// one from the future has no age.
  func aged(_ marker: MarkerState, at path: BytePath, now: Timestamp) -> MarkerState {
    guard let sighting = sightings[path], sighting.identity == marker.identity else { return marker }
    return MarkerState(
      identity: marker.identity, isOpenForWriting: marker.isOpenForWriting,
      age: max(marker.age, now - sighting.since))
  }

  /// Notes that the marker is to be looked at again; true if no look was due before.
  mutating func add(_ path: BytePath, _ marker: MarkerState, now: Timestamp) -> Bool {
    if sightings[path]?.identity != marker.identity {
      sightings[path] = Sighting(identity: marker.identity, since: now)
    }
    return pending.insert(path).inserted && pending.count == 1
  }

  /// What is to be looked at now.
  mutating func beginLook() -> Set<BytePath> {
    defer { pending = [] }
    return pending
  }

  /// Forgets what has settled, or is gone.
  mutating func endLook() {
    sightings = sightings.filter { pending.contains($0.key) }
  }

  /// Whether the end of the workflow's intake must wait for such a marker; then `takeHeldBack` gives it back.
  mutating func holdsBack(_ workflow: Workflow, where concerns: (BytePath) -> Bool) -> Bool {
    guard pending.contains(where: concerns) else { return false }
    heldBack.insert(workflow.name)
    return true
  }

  mutating func takeHeldBack() -> Set<WorkflowName> {
    defer { heldBack = [] }
    return heldBack
  }
}
