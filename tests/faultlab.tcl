# faultlab.tcl --
#
#	What runs in the process in which things go wrong: faults.so is
#	preloaded there (tests/faults.c), and tests/faults.tcl starts it.
#	Sourced with the variables certdir and faultlib set.
#
#	sweep SCENARIO COUNT ?SHARE?  fails COUNT of the OpenSSL allocations that the
#			scenario makes, one in each run, spread evenly over
#			all of them, or the last share of them
#	storm SCENARIO RULES	runs the scenario once under each rule of
#			[faults call]: {name first every fault}
#	Both print {tried N struck N wrong LIST}.
#
#	A scenario is three procs: NAME.setup makes what all runs share,
#	NAME.before what a run needs and what must not fail, NAME.run does
#	the work and returns NAME.result, a variable.  Where a fault is under
#	way it may fail instead, with an error of pyossl's.

package require Tcl 8.6-
package require pyossl
load $faultlib

set classes [dict keys [dict get [pyossl::stats] objects]]
set wrong {}

proc certfile {name} {
    return [file join $::certdir $name]
}

proc readfile {path} {
    set channel [open $path rb]
    try {
	return [read $channel]
    } finally {
	close $channel
    }
}

# All objects and channels that there are.
proc everything {} {
    set all [chan names]
    foreach class $::classes {
	lappend all {*}[pyossl::$class instances]
    }
    return $all
}

# Destroys and closes what was not there before.
proc tidy {keep} {
    foreach name [chan names] {
	if {$name ni $keep} {
	    catch {fconfigure $name -blocking 0}
	    catch {close $name}
	}
    }
    # A channel takes its conn along.
    foreach class $::classes {
	foreach name [pyossl::$class instances] {
	    if {$name ni $keep && [llength [info commands $name]]} {
		$name destroy
	    }
	}
    }
}

# What is alive; OpenSSL's blocks are its own affair.
proc alive {} {
    return [dict remove [pyossl::stats] allocations]
}

# Runs the event loop until as much is alive as before.
proc settle {before} {
    set end [expr {[clock milliseconds] + 5000}]
    while {[alive] ne $before && [clock milliseconds] < $end} {
	after 2 {set ::tick 1}
	vwait ::tick
    }
    return [expr {[alive] eq $before}]
}

proc complain {text} {
    lappend ::wrong [string range $text 0 600]
}

# One run.  mayFail: a fault may be under way.
proc once {scenario label fault mayFail} {
    set keep [everything]
    set before [alive]
    $scenario.before
    {*}$fault
    set code [catch {$scenario.run} result options]
    set struck [faults struck]
    faults off
    set queued [::pyossl::Queued]
    if {$code == 0} {
	if {$result ne [set ::$scenario.result]} {
	    complain "$label: result $result"
	}
    } elseif {!$mayFail} {
	complain "$label: [dict get $options -errorinfo]"
    } elseif {[lindex [dict get $options -errorcode] 0] ne "PYOSSL"
	    || $result eq ""} {
	complain "$label: not an error of pyossl: $options"
    }
    if {$queued ne {} && $code} {
	complain "$label: left on the queue: $queued"
    }
    tidy $keep
    if {![settle $before]} {
	complain "$label: alive before $before, after [alive]"
    }
    return $struck
}

proc warm {scenario} {
    $scenario.setup
    for {set i 0} {$i < 3} {incr i} {
	once $scenario "warm-up" {} 0
    }
}

proc sweep {scenario count {share 1.0}} {
    warm $scenario
    set keep [everything]
    set quiet [alive]
    $scenario.before
    faults alloc 0
    $scenario.run
    set total [faults allocs]
    faults off
    tidy $keep
    settle $quiet
    set tried 0
    set struck 0
    set part [expr {int($total * $share)}]
    set count [expr {min($count, $part)}]
    for {set i 0} {$i < $count} {incr i} {
	set n [expr {$total - $i * $part / $count}]
	incr tried
	incr struck [once $scenario "allocation $n of $total" [list faults alloc $n] 1]
    }
    once $scenario "after all" {} 0
    puts [list tried $tried struck $struck wrong $::wrong]
}

# A fault's number -1 only counts calls; what may fail is said by the rule's
# last word.
proc storm {scenario rules} {
    warm $scenario
    set tried 0
    set struck 0
    foreach rule $rules {
	lassign $rule name first every fault mayFail
	incr tried
	incr struck [once $scenario $rule \
		[list faults call $name $first $every $fault] $mayFail]
    }
    once $scenario "after all" {} 0
    puts [list tried $tried struck $struck wrong $::wrong]
}

# How many calls of a function a run of the scenario makes.
proc callsof {scenario name} {
    set keep [everything]
    set quiet [alive]
    $scenario.before
    faults call $name 1 1 -1
    $scenario.run
    set calls [faults calls $name]
    faults off
    tidy $keep
    settle $quiet
    return $calls
}

#------------------------------------------------------------------------
# Loading and making
#------------------------------------------------------------------------

# scenario NAME RESULT ?setup? ?before? run
proc scenario {name result args} {
    set run [lindex $args end]
    lassign [lrange $args 0 end-1] setup before
    proc $name.setup {} $setup
    proc $name.before {} $before
    proc $name.run {} $run
    set ::$name.result $result
}

scenario certificate localhost {
    set ::pem [readfile [certfile server.pem]]
} {} {
    set cert [pyossl::load_certificate PEM $::pem]
    [$cert get_subject] commonName
}

scenario key 2048 {
    set ::pem [readfile [certfile server-enc.key]]
} {} {
    [pyossl::load_privatekey PEM $::pem secret] bits
}

scenario pkcs12 localhost {
    set p12 [pyossl::pkcs12 new]
    $p12 set_certificate [pyossl::load_certificate PEM [readfile [certfile server-ec.pem]]]
    $p12 set_privatekey [pyossl::load_privatekey PEM [readfile [certfile server-ec.key]]]
    set ::p12 [$p12 export secret]
} {} {
    set cert [[pyossl::load_pkcs12 $::p12 secret] get_certificate]
    [$cert get_subject] commonName
}

scenario crl 2 {
    set ::pem [readfile [certfile crl.pem]]
} {} {
    llength [[pyossl::load_crl PEM $::pem] get_revoked]
}

scenario making {{made here} DNS:made.example 1} {
    set ::key [pyossl::load_privatekey PEM [readfile [certfile server-ec.key]]]
} {} {
    set cert [pyossl::x509 new]
    $cert set_version 2
    $cert set_serial_number 12345678901234567890
    $cert gmtime_adj_notBefore 0
    $cert gmtime_adj_notAfter 3600
    set name [$cert get_subject]
    $name commonName "made here"
    $cert set_issuer $name
    $cert set_pubkey $::key
    $cert add_extensions [list [pyossl::x509ext new subjectAltName 0 DNS:made.example]]
    $cert sign $::key sha256
    set back [pyossl::load_certificate ASN1 [pyossl::dump_certificate ASN1 $cert]]
    list [[$back get_subject] commonName] [[$back get_extension 0] text] \
	    [expr {[$back digest sha256] eq [$cert digest sha256]}]
}

scenario context 1 {} {} {
    set ctx [pyossl::ctx new TLS_METHOD]
    $ctx use_certificate_chain_file [certfile server-ec-chain.pem]
    $ctx use_privatekey_file [certfile server-ec.key]
    $ctx check_privatekey
    $ctx load_verify_locations [certfile ca.pem]
    $ctx set_cipher_list HIGH
    $ctx set_alpn {h2 http/1.1}
    $ctx set_verify VERIFY_PEER {}
    set conn [pyossl::conn new $ctx]
    $conn set_accept_state
    $conn set_verify_host localhost
    pyossl::conn is $conn
}

#------------------------------------------------------------------------
# Connections over memory
#------------------------------------------------------------------------

proc contexts {version {name server-ec}} {
    set chain [certfile $name-chain.pem]
    if {![file exists $chain]} {
	set chain [certfile $name.pem]
    }
    set ::serverctx [pyossl::ctx new $version]
    $::serverctx use_certificate_chain_file $chain
    $::serverctx use_privatekey_file [certfile $name.key]
    set ::clientctx [pyossl::ctx new $version]
    $::clientctx load_verify_locations [certfile ca.pem]
    $::clientctx set_verify VERIFY_PEER {}
}

proc carry {from to} {
    set moved 0
    while {1} {
	try {
	    set bytes [$from bio_read 65536]
	} trap {PYOSSL SSL WantReadError} {} {
	    return $moved
	}
	incr moved [$to bio_write $bytes]
    }
}

proc memorypair {} {
    set client [pyossl::conn new $::clientctx]
    set server [pyossl::conn new $::serverctx]
    $client set_connect_state
    $client set_verify_host localhost
    $server set_accept_state
    set done {}
    for {set i 0} {$i < 20 && [llength $done] < 2} {incr i} {
	foreach conn [list $client $server] {
	    if {$conn in $done} {
		continue
	    }
	    try {
		$conn do_handshake
		lappend done $conn
	    } trap {PYOSSL SSL WantReadError} {} {
	    } finally {
		carry $client $server
		carry $server $client
	    }
	}
    }
    if {[llength $done] < 2} {
	throw {PYOSSL SSL Error {}} "the handshake does not end"
    }
    return [list $client $server]
}

proc converse {client server} {
    $client send "hello from here"
    carry $client $server
    set heard [$server recv 100]
    $server send "hello from there"
    carry $server $client
    append heard ", " [$client recv 100]
    catch {$client shutdown}
    carry $client $server
    try {
	$server recv 100
    } trap {PYOSSL SSL ZeroReturnError} {} {
	return "$heard, end"
    }
}

set heard "hello from here, hello from there, end"
scenario tls13 $heard {contexts TLS_METHOD} {} {converse {*}[memorypair]}
scenario tls12 $heard {contexts TLSv1_2_METHOD} {} {converse {*}[memorypair]}

# A certificate that must not pass, whatever goes wrong: no run succeeds.
scenario untrusted refused {contexts TLS_METHOD server2} {} {
    try {
	memorypair
    } trap PYOSSL {} {
	return refused
    }
    return accepted
}
scenario wrongname refused {contexts TLS_METHOD wronghost} {} {
    try {
	memorypair
    } trap PYOSSL {} {
	return refused
    }
    return accepted
}

scenario transfer 100000 {contexts TLS_METHOD} {
    lassign [memorypair] ::client ::server
} {
    set data [string repeat 0123456789 10000]
    $::client sendall $data
    carry $::client $::server
    set got ""
    while {[string length $got] < 100000} {
	append got [$::server recv 65536]
    }
    expr {$got eq $data ? [string length $got] : "other data"}
}

#------------------------------------------------------------------------
# Sockets and the event loop
#------------------------------------------------------------------------

# echo -- what a client sends comes back, as much as there is; either side
# closes when the other has ended, or has failed.
proc serverside {channel args} {
    fconfigure $channel -blocking 0 -translation binary
    fileevent $channel readable [list serverread $channel]
}
proc serverread {channel} {
    if {[catch {
	set data [read $channel]
	puts -nonewline $channel $data
	flush $channel
    } message options]} {
	lappend ::serverproblems $options
	catch {close $channel}
    } elseif {[eof $channel]} {
	catch {close $channel}
    }
}
# The server's own troubles are those of the connection: the client is told.
proc bgerror {args} {
    lappend ::serverproblems $args
}
interp bgerror {} bgerror

# expired -- ends an exchange that hangs.
proc exchange {blocking size} {
    set listener [pyossl::socket -server serverside -ctx $::serverctx \
	    -myaddr 127.0.0.1 0]
    set ::problem ""
    set ::outcome ""
    set channel [pyossl::socket -ctx $::clientctx -servername localhost \
	    127.0.0.1 [lindex [fconfigure $listener -sockname] 2]]
    fconfigure $channel -blocking 0 -translation binary
    set ::got ""
    set data [string repeat 0123456789 [expr {$size / 10}]]
    set timer [after 8000 {set ::outcome hangs}]
    fileevent $channel writable [list clientwrite $channel $data]
    fileevent $channel readable [list clientread $channel $size]
    vwait ::outcome
    after cancel $timer
    catch {close $channel}
    catch {close $listener}
    if {$::outcome eq "failed"} {
	return -options $::problem [dict get $::problem -message]
    }
    return [expr {$::outcome eq "whole" && $::got ne $data ? "other data"
	    : $::outcome}]
}
proc clientfailed {channel message options} {
    fileevent $channel readable {}
    fileevent $channel writable {}
    dict set options -message $message
    set ::problem $options
    set ::outcome failed
}
proc clientwrite {channel data} {
    fileevent $channel writable {}
    if {[catch {
	puts -nonewline $channel $data
	flush $channel
    } message options]} {
	clientfailed $channel $message $options
    }
}
proc clientread {channel size} {
    if {[catch {append ::got [read $channel]} message options]} {
	clientfailed $channel $message $options
    } elseif {[string length $::got] >= $size} {
	set ::outcome whole
    } elseif {[eof $channel]} {
	# The server closed because of its own trouble: no lie.
	clientfailed $channel "ended early" [expr {[llength $::serverproblems]
		? {-code 1 -errorcode {PYOSSL TEST ended}}
		: {-code 1 -errorcode {NONE}}}]
    }
}
scenario socket whole {contexts TLS_METHOD} {set ::serverproblems {}} {
    exchange 0 30000
}

# A blocking client in one thread of control: the server side is accepted and
# pumped by hand.
scenario blocking {{hello from here} {hello from there} {}} {contexts TLS_METHOD} {} {
    set listener [pyossl::conn new $::serverctx tcp]
    $listener bind {127.0.0.1 0}
    $listener listen 3
    set client [pyossl::conn new $::clientctx tcp]
    $client connect [$listener getsockname]
    lassign [$listener accept] server
    $listener destroy
    foreach conn [list $client $server] {
	$conn setblocking 0
    }
    set done {}
    set end [expr {[clock milliseconds] + 8000}]
    while {[llength $done] < 2 && [clock milliseconds] < $end} {
	foreach conn [list $client $server] {
	    if {$conn ni $done} {
		try {
		    $conn do_handshake
		    lappend done $conn
		} trap {PYOSSL SSL WantReadError} {} {
		} trap {PYOSSL SSL WantWriteError} {} {}
	    }
	}
    }
    foreach conn [list $client $server] {
	$conn setblocking 1
    }
    $client sendall "hello from here"
    set heard [list [$server recv 15]]
    while {[string length [lindex $heard 0]] < 15} {
	lset heard 0 [lindex $heard 0][$server recv 15]
    }
    set chan [$server channel]
    puts -nonewline $chan "hello from there"
    close $chan
    set chan [$client channel]
    lappend heard [read $chan] [read $chan]
    close $chan
    return $heard
}
