package grpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/interop"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	_ "github.com/ureactor/ureactor/internal/longtest" // the flag -long
	"github.com/ureactor/ureactor/tests/programs/kit"
)

type server struct {
	testpb.UnimplementedTestServiceServer
	open atomic.Int64
}

func (s *server) UnaryCall(ctx context.Context, q *testpb.SimpleRequest) (*testpb.SimpleResponse, error) {
	if q.ResponseSize < 0 {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return &testpb.SimpleResponse{Payload: &testpb.Payload{Body: make([]byte, q.ResponseSize)}}, nil
}

func (s *server) FullDuplexCall(st testpb.TestService_FullDuplexCallServer) error {
	s.open.Add(1)
	defer s.open.Add(-1)
	for {
		q, err := st.Recv()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := st.Send(&testpb.StreamingOutputCallResponse{Payload: q.Payload}); err != nil {
			return err
		}
	}
}

func dial(n kit.Net, addr string, creds credentials.TransportCredentials, opts ...grpc.DialOption) (*grpc.ClientConn, error) {
	return grpc.NewClient("passthrough:///"+addr, append(opts, grpc.WithTransportCredentials(creds),
		grpc.WithContextDialer(func(ctx context.Context, a string) (net.Conn, error) { return n.Dial(ctx, "tcp", a) }))...)
}

func streams(c testpb.TestServiceClient, count, msgs, size int) error {
	var wg sync.WaitGroup
	errs := make(chan error, count)
	for i := 0; i < count; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			st, err := c.FullDuplexCall(context.Background())
			if err != nil {
				errs <- err
				return
			}
			body := make([]byte, size)
			for j := 0; j < msgs; j++ {
				if err := st.Send(&testpb.StreamingOutputCallRequest{Payload: &testpb.Payload{Body: body}}); err != nil {
					errs <- err
					return
				}
				a, err := st.Recv()
				if err != nil || len(a.Payload.Body) != size {
					errs <- fmt.Errorf("%v, %d", err, len(a.GetPayload().GetBody()))
					return
				}
			}
			st.CloseSend()
			if _, err := st.Recv(); err != io.EOF {
				errs <- err
			}
		}()
	}
	wg.Wait()
	close(errs)
	return <-errs
}

func workload(n kit.Net, secure bool) error {
	before := runtime.NumGoroutine()
	l, err := n.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	sopts := []grpc.ServerOption{grpc.KeepaliveParams(keepalive.ServerParameters{Time: 1 * time.Second, Timeout: time.Second}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 10 * time.Millisecond, PermitWithoutStream: true})}
	creds := insecure.NewCredentials()
	if secure {
		sc, cc := kit.TLS()
		sopts = append(sopts, grpc.Creds(credentials.NewTLS(sc)))
		creds = credentials.NewTLS(cc)
	}
	gs := grpc.NewServer(sopts...)
	impl := &server{}
	testpb.RegisterTestServiceServer(gs, impl)
	served := make(chan error, 1)
	go func() { served <- gs.Serve(l) }()
	cc, err := dial(n, l.Addr().String(), creds, grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 10 * time.Second, Timeout: time.Second}))
	if err != nil {
		return err
	}
	c := testpb.NewTestServiceClient(cc)
	for i := 0; i < 1000; i++ {
		if _, err := c.UnaryCall(context.Background(), &testpb.SimpleRequest{ResponseSize: 64}); err != nil {
			return err
		}
	}
	if err := streams(c, 100, 50, 1024); err != nil {
		return fmt.Errorf("streams: %w", err)
	}
	if err := streams(c, 4, 10, 1<<20); err != nil {
		return fmt.Errorf("large: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
	defer cancel()
	if _, err := c.UnaryCall(ctx, &testpb.SimpleRequest{ResponseSize: -1}); status.Code(err) != codes.DeadlineExceeded {
		return fmt.Errorf("deadline: %v", err)
	}
	// GracefulStop waits for a stream that is open.
	st, err := c.FullDuplexCall(context.Background())
	if err != nil {
		return err
	}
	if err := st.Send(&testpb.StreamingOutputCallRequest{}); err != nil {
		return err
	}
	if _, err := st.Recv(); err != nil {
		return err
	}
	stopped := make(chan bool)
	go func() { gs.GracefulStop(); close(stopped) }()
	select {
	case <-stopped:
		return errors.New("GracefulStop did not wait")
	case <-time.After(20 * time.Millisecond):
	}
	if err := st.Send(&testpb.StreamingOutputCallRequest{}); err != nil {
		return err
	}
	if _, err := st.Recv(); err != nil {
		return fmt.Errorf("during the drain: %w", err)
	}
	st.CloseSend()
	if _, err := st.Recv(); err != io.EOF {
		return fmt.Errorf("at the end: %v", err)
	}
	<-stopped
	if err := <-served; err != nil {
		return fmt.Errorf("Serve: %v", err)
	}
	cc.Close()
	if g := kit.Settle(before + 2); g > before+2 {
		return fmt.Errorf("goroutines %d -> %d", before, g)
	}
	return nil
}

// keepaliveKills tests a server that stops sending. The client's keep-alive detects this, and the
// call ends with Unavailable.
func keepaliveKills(n kit.Net) error {
	l, err := n.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	go func() { // sends the preface and SETTINGS, then nothing
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				c.Write([]byte{0, 0, 0, 4, 0, 0, 0, 0, 0})
				b := make([]byte, 4096)
				c.Read(b)
				c.Write([]byte{0, 0, 0, 4, 1, 0, 0, 0, 0})
				time.Sleep(30 * time.Second)
				c.Close()
			}()
		}
	}()
	cc, err := dial(n, l.Addr().String(), insecure.NewCredentials(), grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 10 * time.Second, Timeout: 500 * time.Millisecond, PermitWithoutStream: true}))
	if err != nil {
		return err
	}
	defer cc.Close()
	start := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	_, err = testpb.NewTestServiceClient(cc).UnaryCall(ctx, &testpb.SimpleRequest{})
	if d := time.Since(start); status.Code(err) != codes.Unavailable || d < 9*time.Second {
		return fmt.Errorf("after %v: %v", d, err)
	}
	return nil
}

// interopSuite runs grpc's interop client against grpc's interop server.
func interopSuite(n kit.Net) error {
	l, err := n.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	gs := grpc.NewServer()
	testpb.RegisterTestServiceServer(gs, interop.NewTestServer())
	go gs.Serve(l)
	defer gs.Stop()
	cc, err := dial(n, l.Addr().String(), insecure.NewCredentials())
	if err != nil {
		return err
	}
	defer cc.Close()
	c := testpb.NewTestServiceClient(cc)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	interop.DoEmptyUnaryCall(ctx, c)
	interop.DoLargeUnaryCall(ctx, c)
	interop.DoClientStreaming(ctx, c)
	interop.DoServerStreaming(ctx, c)
	interop.DoPingPong(ctx, c)
	interop.DoEmptyStream(ctx, c)
	interop.DoTimeoutOnSleepingServer(ctx, c)
	interop.DoCancelAfterBegin(ctx, c)
	interop.DoCancelAfterFirstResponse(ctx, c)
	interop.DoCustomMetadata(ctx, c)
	interop.DoStatusCodeAndMessage(ctx, c)
	interop.DoSpecialStatusMessage(ctx, c)
	interop.DoUnimplementedMethod(ctx, cc)
	return nil
}

// grpc-go gives the same results as over package net: unary calls, 100 streams, deadlines, and a
// GracefulStop that waits for an open stream.
func TestGRPC(t *testing.T) {
	kit.Same(t, func(n kit.Net) error { return workload(n, false) })
}

// grpc-go over TLS also gives the same results as over package net.
func TestGRPCOverTLS(t *testing.T) {
	kit.Same(t, func(n kit.Net) error { return workload(n, true) })
}

// The interoperability client of grpc passes against grpc's own server.
func TestInteroperability(t *testing.T) { kit.Same(t, interopSuite) }

// gRPC's keep-alive notices a silent peer.
func TestKeepAliveFindsASilentPeer(t *testing.T) { kit.Same(t, keepaliveKills) }
