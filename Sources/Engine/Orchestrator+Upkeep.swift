import SlipwayModel

/// What is done beside the runs.
extension Orchestrator {
  /// Beside the runs: a destination that is not there holds nobody up.
  func reap() {
    let reaper = UploadReaper(ports: ports, logger: logger)
    reaping = Task.detached(executorPreference: ports.fileExecutor) {
      do throws(Failure) { try await reaper.reap(nil) } catch { await self.stop(for: error) }
    }
  }

  /// What became of requests for uploads whose answers were never heard: in the service now and then, in a process that
  /// looks once at its end, when the uploads that go on are over.
  func sweep() {
    let reaper = UploadReaper(ports: ports, logger: logger)
    let (isService, clock) = (mode == .service, ports.clock)
    sweeping = Task.detached(executorPreference: ports.fileExecutor) {
      repeat {
        do throws(Failure) { try await reaper.sweep() } catch { return await self.stop(for: error) }
        guard isService else { return }
        do throws(CancellationError) {
          try await clock.sleep(until: clock.now() + UploadReaper.interval)
        } catch {
          return
        }
        // Those that could not be ended with their runs.
        do throws(Failure) { try await reaper.reap(nil) } catch { return await self.stop(for: error) }
      } while !Task.isCancelled
    }
  }

  /// Returns when nothing of it is under way.
  func endUpkeep() async {
    await reaping?.value
    if mode == .service { sweeping?.cancel() } else if !isStopping { sweep() }
    await sweeping?.value
    pruning?.cancel()
    await pruning?.value
  }

  /// Now, and in the service every hour.
  func pruneHistory() {
    let history = HistoryPruning(ports: ports, keep: configuration.settings.keep, logger: logger)
    let (isService, clock) = (mode == .service, ports.clock)
    pruning = Task.detached(executorPreference: ports.fileExecutor) {
      repeat {
        do throws(Failure) { try await history.prune() } catch { return await self.stop(for: error) }
        guard isService else { return }
        // A cancelled wait is the end.
        try? await clock.sleep(until: clock.now() + HistoryPruning.interval)
      } while !Task.isCancelled
    }
  }
}
