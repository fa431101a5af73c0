/**
 * The operation that a span name stands for where it is an RPC, as `package.Service/Method`; null where it is none. Known
 * forms: `search.Search/Nearby` (otelgrpc), `/search.Search/Nearby` (OpenTracing), `Recv.search.Search.Nearby` and
 * `Sent.search.Search.Nearby` (grpc-go's own plugin and OpenCensus), `grpc.search.Search/Nearby` (OpenCensus for Node).
 * So `grpc.health.v1.Health/Check` loses its first part too, on both sides of a call.
 */
export function rpcNameOf(spanName: string): string | null {
  const dotted = /^(?:Recv|Sent)\.(.+)\.([A-Za-z_]\w*)$/.exec(spanName)
  const name = (dotted ? `${dotted[1]}/${dotted[2]}` : spanName).replace(/^\/?(grpc\.(?=[A-Za-z_]))?/, '')
  // The first part is dotted or capitalised: `items/get` is a path.
  return /^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*\/[A-Za-z_]\w*$/.test(name) && /[.A-Z]/.test(name) ? name : null
}
