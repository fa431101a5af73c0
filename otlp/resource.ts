/** An attribute value as the gateway compares it: arrays, maps and bytes are kept as hex. */
export type AttributeValue = string | number | bigint | boolean

/**
 * One resource as it came: the bytes of its ResourceSpans (or ResourceMetrics, ResourceLogs) without the scope entries,
 * and its attributes, parsed once. Equal bytes give the same object as long as it is cached, so that a stage may key its
 * own state by it.
 */
export interface ResourceRef {
  /** Fields 1 (resource), 3 (schema_url) and unknown ones, concatenated in their order. */
  readonly head: Uint8Array
  readonly attributes: ReadonlyMap<string, AttributeValue>
  /** `service.name`, or `unknown_service` as the specification has it where there is none. */
  readonly serviceName: string
  /** `service.instance.id`, else `k8s.pod.uid`, else `k8s.pod.name`, else `host.name` with `process.pid`, else ''. */
  readonly instance: string
}

/** One instrumentation scope as it came: the bytes of its ScopeSpans without the spans, and its name and version. */
export interface ScopeRef {
  readonly head: Uint8Array
  readonly name: string
  readonly version: string
}
