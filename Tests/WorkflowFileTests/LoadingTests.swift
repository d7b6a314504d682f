import Testing
import WorkflowFile

@Suite struct LoadingTests {}
