# jobs.tcl --
#
#	The jobs of the benchmark, in the order of the table.
#
#	run	the kind of job (bench::run.NAME) and its words
#	options	for both ends; N* is scaled, @NAME a file that is made
#	drivers	the first one is what the others are compared with
#	measure	cpu (seconds), each (microseconds of the processor), us and ms
#		(of the clock, each), kB, rate (per second)
#	goal	the ratio to reach, or the figure

namespace eval bench {
    variable jobs {}

    proc Job {name run options drivers measure goal} {
	variable jobs
	dict set jobs $name [dict create run $run options $options \
	    drivers $drivers measure $measure goal $goal]
    }

    set all {C tuned pyossl tls}
    set bulk {-bytes 268435456*}

    # Bulk data over loopback, 256 MB.
    Job send-puts {client sink send} [list {*}$bulk -how puts] $all cpu <=0.95
    Job send-puts-1.2 {client sink send} \
	[list {*}$bulk -how puts -version 12] $all cpu <=0.95
    Job send-fcopy {client sink send} [list {*}$bulk -how fcopy] $all cpu \
	<=1.0
    Job recv-read {client source recv} [list {*}$bulk -how read] $all cpu \
	<=0.95
    Job recv-read-1.2 {client source recv} \
	[list {*}$bulk -how read -version 12] $all cpu <=0.95
    Job recv-fcopy {client source recv} [list {*}$bulk -how fcopy] $all cpu \
	<=1.0
    Job recv-event {client source recv} [list {*}$bulk -how event] $all cpu \
	<=1.0

    # Messages.
    Job trips-blocking {client serve rt} {-how block -count 20000* -size 100} \
	$all cpu <=1.05
    Job trips-event {client serve rt} {-how event -count 20000* -size 100} \
	$all cpu <=1.5
    Job echo-200 echoes {-conns 200 -count 100* -size 1000} $all cpu <=1.25

    # Handshakes accepted, four under way.
    foreach kind {ec rsa} {
	Job accept-$kind load [list -kind $kind -count 1000* -conns 4] \
	    {C pyossl} rate >=0.95
	Job accept-$kind-cpu load [list -kind $kind -count 300* -conns 4] \
	    {nagle pyossl tls} each <=1.15
    }
    Job resume-ec load {-kind ec -count 1000* -conns 4 -resume 1} \
	{C pyossl} rate >=0.9
    Job memory-ec {alone memory} {-cert @ec.pem -key @ec.key -count 1000*} \
	{C pyossl} rate >=0.97
    Job memory-rsa {alone memory} {-cert @rsa.pem -key @rsa.key -count 400*} \
	{C pyossl} rate >=0.97

    Job threads-rsa load {-kind rsa -count 1000* -conns 8} \
	{1thread 2threads} rate >1

    # Many connections.
    Job idle-memory idle {-conns 900* -size 100} $all kB 16kB
    Job idle-echo idle {-conns 900* -size 100} $all us 80us
    Job conns-5000 idle {-conns 5000* -size 100} {C tuned pyossl} us works
    Job conns-10000 idle {-conns 10000* -size 100} {C tuned pyossl} us works

    # Objects.
    Job cert-pem {alone certs} {-how pem -file @ec.pem -count 20000*} \
	{C pyossl} rate >=0.95
    Job cert-der {alone certs} {-how der -file @ec.der -count 20000*} \
	{C pyossl} rate >=0.95
    Job key-ec {alone keys} {-count 10000*} {C pyossl} rate >=0.97
    foreach kind {ec rsa} {
	foreach what {sign verify} {
	    Job $what-$kind [list alone $what] [list -key @$kind.key \
		-cert @$kind.pem -count [expr {
		    $kind eq "rsa" && $what eq "sign" ? "1000*" : "10000*"}]] \
		{C pyossl} rate >=0.97
	}
    }
    Job crl-10000 {alone crl} {-file @10000.crl} {C pyossl} rate -
    Job crl-100000 {alone crl} {-file @100000.crl} {C pyossl} rate linear
    Job trust-150 {alone trust} {-file @cas.bundle -count 200*} {C pyossl} \
	rate once

    # Scripts.
    Job require require {-count 20*} {C pyossl tls} ms +8ms
    Job require-known require {-count 20* -known 1} {C pyossl} ms +8ms
    Job expect-200 {alone expect} {-conns 100* -count 500*} {pyossl} rate -
}
