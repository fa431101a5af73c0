package telemetry

import (
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"example.com/blindspot/fleet/internal/fault"
)

// sampler of a service. Everything is sampled while no fault is on; edge, where traces begin, says so in tracestate;
// payment records all whatever its parent says, as OTEL_TRACES_SAMPLER=always_on does.
func sampler(service string) sdktrace.Sampler {
	switch service {
	case "edge":
		return sdktrace.ParentBased(thresholdSampler{})
	case "payment":
		return sdktrace.AlwaysSample()
	case "checkout":
		return mismatchSampler{usual: sdktrace.ParentBased(sdktrace.AlwaysSample()), half: sdktrace.TraceIDRatioBased(0.5)}
	}
	return sdktrace.ParentBased(sdktrace.AlwaysSample())
}

// thresholdSampler takes every trace and writes the OpenTelemetry sampling threshold th:0 (nothing rejected).
// https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/
type thresholdSampler struct{}

func (thresholdSampler) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	state, err := trace.SpanContextFromContext(p.ParentContext).TraceState().Insert("ot", "th:0")
	if err != nil {
		return sdktrace.SamplingResult{Decision: sdktrace.RecordAndSample}
	}
	return sdktrace.SamplingResult{Decision: sdktrace.RecordAndSample, Tracestate: state}
}

func (thresholdSampler) Description() string { return "Threshold{th:0}" }

// mismatchSampler forgets its parent's decision while sampler_mismatch is on.
type mismatchSampler struct{ usual, half sdktrace.Sampler }

func (s mismatchSampler) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	if fault.SamplerMismatch.On() {
		result := s.half.ShouldSample(p)
		if result.Decision == sdktrace.Drop {
			fault.SamplerMismatch.Strike()
		}
		return result
	}
	return s.usual.ShouldSample(p)
}

func (s mismatchSampler) Description() string { return s.usual.Description() }
