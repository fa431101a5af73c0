package record

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	_ "google.golang.org/grpc/encoding/gzip" // exporters may compress
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
)

const maxRequest = 16 << 20

// Sink is an OTLP receiver over gRPC and HTTP that stores what it gets, byte for byte.
type Sink struct {
	grpc *grpc.Server
	http *http.Server
}

// Listen starts a sink that writes to the file.
func Listen(file *File, grpcAddress, httpAddress string) (*Sink, error) {
	grpcListener, err := net.Listen("tcp", grpcAddress)
	if err != nil {
		return nil, err
	}
	httpListener, err := net.Listen("tcp", httpAddress)
	if err != nil {
		return nil, err
	}
	s := &Sink{
		grpc: grpc.NewServer(grpc.ForceServerCodecV2(rawCodec{}), grpc.MaxRecvMsgSize(maxRequest), grpc.UnknownServiceHandler(
			func(_ any, stream grpc.ServerStream) error { return takeGRPC(file, stream) })),
		http: &http.Server{Handler: takeHTTP(file), ReadHeaderTimeout: 5 * time.Second},
	}
	go func() { _ = s.grpc.Serve(grpcListener) }()
	go func() { _ = s.http.Serve(httpListener) }()
	return s, nil
}

// Close lets running requests finish.
func (s *Sink) Close() {
	timer := time.AfterFunc(time.Second, s.grpc.Stop)
	defer timer.Stop()
	s.grpc.GracefulStop()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = s.http.Shutdown(ctx)
}

// rawCodec leaves messages as the bytes that came; a [] byte is all that this server knows of OTLP.
type rawCodec struct{}

func (rawCodec) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(*v.(*[]byte))}, nil
}

func (rawCodec) Unmarshal(data mem.BufferSlice, v any) error {
	*v.(*[]byte) = data.Materialize()
	return nil
}

func (rawCodec) Name() string { return "proto" }

func takeGRPC(file *File, stream grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(stream)
	if !strings.HasPrefix(method, "/opentelemetry.proto.collector.") {
		return status.Error(codes.Unimplemented, method)
	}
	var request, reply []byte // an empty reply is a full success
	if err := stream.RecvMsg(&request); err != nil {
		return err
	}
	if err := file.Write(request); err != nil {
		return status.Error(codes.Unavailable, err.Error())
	}
	return stream.SendMsg(&reply)
}

func takeHTTP(file *File) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || !strings.HasPrefix(r.URL.Path, "/v1/") {
			http.NotFound(w, r)
			return
		}
		request, err := readBody(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if err := file.Write(request); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
		w.WriteHeader(http.StatusOK)
	})
}

func readBody(r *http.Request) ([]byte, error) {
	body := io.Reader(r.Body)
	switch encoding := r.Header.Get("Content-Encoding"); encoding {
	case "":
	case "gzip":
		unzipped, err := gzip.NewReader(r.Body)
		if err != nil {
			return nil, err
		}
		body = unzipped
	default:
		return nil, fmt.Errorf("content encoding %q is not spoken here", encoding)
	}
	return io.ReadAll(io.LimitReader(body, maxRequest))
}
