# target-channel.tcl --
#
#	The channel driver: two channels that talk to each other, and a sequence
#	of what scripts do with channels.  The first byte says what is below them:
#	memory, sockets of ours, pyossl::import on Tcl's sockets, or on channels
#	that are themselves scripts.
#
#	Nothing here may wait: all that is on sockets is not blocking, and events
#	are served a bounded number of times.

namespace eval fuzz {
    variable ends {}	;# the channels; those that are gone too
    variable conns {}	;# the connections over memory among them
    variable buffers	;# of channels that are scripts: what waits to be read
    variable partner	;# and where what is written goes
    variable stacked 0	;# whether there is TLS on one of them besides
    # Whether [chan push] must not be called any more.  On a channel that is
    # half closed or copied it crashes, and on one that was read from it leaks
    # the buffer when it is closed: Tcl 8.6 by itself, on a pipe too.
    variable fragile 0
    # How often it may be: for more than eleven transformations at once Tcl
    # makes a table that it never frees.
    variable pushes 8
}

# chans what script -- as [ours]; what Tcl itself says of channels counts as
# well, which has no errorCode.
proc fuzz::chans {what script} {
    return [ours $what {
	try {
	    uplevel 1 $script
	} trap NONE {message} {
	    mark "$what: [regsub -all {"[^"]*"|[^a-z ]} $message #]"
	}
    }]
}

proc fuzz::channel {bytes} {
    variable ends {}
    variable conns {}
    variable buffers
    variable partner
    variable fragile 0
    variable pushes 8
    variable stacked 0
    array unset buffers
    array unset partner
    set kind [number 4]
    set setup [byte]
    foreach side {client server} {
	set ctx($side) [context]
	if {$setup & 1} {
	    $ctx($side) set_max_proto_version TLSv1.2
	}
    }
    switch -- $kind {
	0 {
	    foreach side {client server} state {set_connect_state set_accept_state} {
		set conn [pyossl::conn new $ctx($side)]
		$conn $state
		lappend conns $conn
		lappend ends [$conn channel]
	    }
	}
	1 {
	    foreach raw [sockets] side {client server} state {set_connect_state set_accept_state} {
		set conn [pyossl::conn new $ctx($side) $raw]
		$conn $state
		$conn setblocking 0
		lappend ends [$conn channel]
	    }
	}
	2 - 3 {
	    set raws [expr {$kind == 2 ? [sockets] : [scripted]}]
	    foreach raw $raws side {client server} {
		lappend ends [pyossl::import $raw -ctx $ctx($side) \
			-server [expr {$side eq "server"}]]
	    }
	}
    }
    foreach end $ends {
	fconfigure $end -blocking 0 -translation binary
    }
    if {$setup & 2} {
	# Established before it begins.
	for {set i 0} {$i < 8} {incr i} {
	    pump
	    turn
	    foreach end $ends {
		chans handshake {pyossl::handshake $end}
	    }
	}
    }
    set memory [expr {$kind == 0}]
    for {set i 0} {$i < 50 && [more]} {incr i} {
	operate $memory
    }
    pump
    turn
}

# Two connected sockets of Tcl's.
proc fuzz::sockets {} {
    variable accepted ""
    set listener [socket -server {apply {{channel host port} {
	set ::fuzz::accepted $channel
    }}} -myaddr 127.0.0.1 0]
    # A blocking connect fails when the fuzzer's alarm rings.
    set client [socket -async 127.0.0.1 [lindex [fconfigure $listener -sockname] 2]]
    set timer [after 5000 {set ::fuzz::accepted ""}]
    vwait ::fuzz::accepted
    after cancel $timer
    close $listener
    foreach channel [list $client $accepted] {
	fconfigure $channel -blocking 0 -translation binary
    }
    return [list $client $accepted]
}

# Two channels that are scripts, and are each other's end.
proc fuzz::scripted {} {
    variable buffers
    variable partner
    set a [chan create {read write} ::fuzz::transport]
    set b [chan create {read write} ::fuzz::transport]
    array set partner [list $a $b $b $a]
    foreach channel [list $a $b] {
	set buffers($channel) ""
	fconfigure $channel -blocking 0 -translation binary
    }
    return [list $a $b]
}

# The handler of such a channel.
proc fuzz::transport {method channel args} {
    variable buffers
    variable partner
    switch -- $method {
	initialize {
	    return {initialize finalize watch read write blocking}
	}
	finalize {
	    unset -nocomplain buffers($channel) partner($channel)
	}
	watch {
	    if {[llength [lindex $args 0]]} {
		after 0 [list ::fuzz::offer $channel [lindex $args 0]]
	    }
	}
	read {
	    set count [lindex $args 0]
	    if {$buffers($channel) eq ""} {
		if {![info exists partner($partner($channel))]} {
		    return ""
		}
		return -code error EAGAIN
	    }
	    set bytes [string range $buffers($channel) 0 $count-1]
	    set buffers($channel) [string range $buffers($channel) $count end]
	    return $bytes
	}
	write {
	    set other $partner($channel)
	    if {![info exists buffers($other)]} {
		return -code error EPIPE
	    }
	    set bytes [lindex $args 0]
	    append buffers($other) $bytes
	    return [string length $bytes]
	}
    }
}

# An event of such a channel, if it has any.
proc fuzz::offer {channel events} {
    variable buffers
    if {[info exists buffers($channel)] && $channel in [chan names]} {
	if {$buffers($channel) eq "" && "write" ni $events} {
	    return
	}
	catch {chan postevent $channel $events}
    }
}

# Serves some events, and comes back.
proc fuzz::turn {} {
    variable turned
    for {set i 0} {$i < 3} {incr i} {
	after 0 {set ::fuzz::turned 1}
	vwait ::fuzz::turned
    }
}

# Carries what two connections over memory have to say.
proc fuzz::pump {} {
    variable conns
    foreach {a b} $conns {
	for {set i 0} {$i < 2} {incr i} {
	    foreach {from to} [list $a $b $b $a] {
		set bytes [ours "pump read" {$from bio_read 65536}]
		if {$bytes ne ""} {
		    ours "pump write" {$to bio_write $bytes}
		}
	    }
	}
    }
}

# The connection under a channel, or "".
proc fuzz::below {end} {
    return [chans connection {pyossl::connection $end}]
}

# An operation on one of the channels.
proc fuzz::operate {memory} {
    variable ends
    variable conns
    variable fragile
    variable pushes
    variable stacked
    set operation [number 40]
    set end [pick $ends]
    switch -- $operation {
	0 - 1 - 2 {
	    set bytes [take [number 64]]
	    chans puts {puts -nonewline $end $bytes}
	}
	3 {
	    set count [number 65536]
	    chans "puts many" {puts -nonewline $end [string repeat x $count]}
	}
	4 - 5 {
	    chans flush {flush $end}
	}
	6 - 7 {
	    set fragile 1
	    chans read {read $end [number 300]}
	}
	8 {
	    set fragile 1
	    chans "read all" {read $end}
	}
	9 {
	    set fragile 1
	    chans gets {gets $end}
	    chans eof {eof $end}
	    chans fblocked {fblocked $end}
	}
	10 - 11 - 12 - 13 {
	    pump
	    turn
	}
	14 {
	    turn
	}
	15 - 16 - 17 {
	    set fragile 1
	    set event [pick {readable writable}]
	    set what [pick {"" "" read gets close puts pump shutdown off}]
	    chans fileevent {fileevent $end $event [expr {$what eq "" ? ""
		: [list ::fuzz::happened $end $event $what]}]}
	}
	18 - 19 {
	    # A buffer of 1 makes as many pieces as there are bytes, which is
	    # more than a sanitizer has memory for.
	    lassign [pick {
		{-buffering none} {-buffering line} {-buffering full}
		{-buffersize 10} {-buffersize 100000} {-translation crlf}
		{-translation auto} {-translation binary} {-encoding utf-8}
		{-encoding unicode} {-eofchar \x1a} {-eofchar {}} {-blocking 0}
		{-closetimeout 0} {-none x}
	    }] option value
	    chans "fconfigure $option" {fconfigure $end $option $value}
	}
	20 {
	    chans "fconfigure" {fconfigure $end}
	    chans pending {chan pending input $end}
	    chans pending {chan pending output $end}
	}
	21 {
	    chans close {close $end}
	}
	22 {
	    set fragile 1
	    chans "close half" {close $end [pick {write read}]}
	}
	23 {
	    chans tell {tell $end}
	    chans seek {seek $end 0}
	    chans truncate {chan truncate $end 0}
	}
	24 {
	    set fragile 1
	    set other [pick $ends]
	    set size [pick {1 100 -1}]
	    chans fcopy {fcopy $end $other -size $size -command ::fuzz::mark}
	}
	25 {
	    set kind [number 3]
	    # Where the flush fails that [chan push] begins with, Tcl crashes.
	    if {!$fragile && [incr pushes -1] >= 0 && ![catch {flush $end}]} {
		chans push {chan push $end [list ::fuzz::transform $kind]}
	    }
	}
	26 {
	    set fragile 1
	    chans pop {chan pop $end}
	}
	27 {
	    set kind [pick {deflate inflate}]
	    if {!$fragile} {
		chans push {zlib push $kind $end}
	    }
	}
	28 {
	    # What was not read yet is put back into Tcl's buffers.
	    set fragile 1
	    chans unimport {pyossl::unimport $end -timeout 1}
	}
	29 {
	    set ctx [context]
	    set stacked 1
	    chans import {pyossl::import $end -ctx $ctx -server [number 2]}
	    chans "import blocking" {fconfigure $end -blocking 0}
	}
	30 {
	    chans handshake {pyossl::handshake $end}
	}
	31 {
	    chans status {pyossl::status $end}
	}
	32 - 33 {
	    set conn [below $end]
	    if {$conn ne ""} {
		set words [pick {shutdown {send abc} {recv 10} pending {key_update 1}
		    renegotiate {set_shutdown 3} get_session channel want_read
		    {sock_shutdown both} get_peer_certificate bio_shutdown}]
		ours "conn $words" {$conn {*}$words}
	    }
	}
	34 {
	    set conn [below $end]
	    if {$conn ne ""} {
		ours "conn destroy" {$conn destroy}
	    }
	}
	35 {
	    foreach ctx [pyossl::ctx instances] {
		$ctx destroy
	    }
	}
	36 {
	    # Noise from the other side.
	    set bytes [take [number 40]]
	    foreach conn $conns {
		ours "noise" {$conn bio_write $bytes}
	    }
	    set conn [lindex $conns [number 2]]
	    if {$conn ne ""} {
		ours "end of input" {$conn bio_shutdown}
	    }
	}
	37 {
	    # Another interpreter has it, and goes.
	    set child [interp create]
	    chans transfer {interp [pick {share transfer}] {} $end $child}
	    chans "child puts" {$child eval [list puts -nonewline $end abc]}
	    if {[number 2]} {
		chans "child event" {$child eval [list fileevent $end readable {error never}]}
	    }
	    interp delete $child
	}
	38 {
	    # Blocking over memory: an error, as nobody could ever send more.
	    # A second TLS on top would wait.
	    if {$memory && !$stacked} {
		chans "blocking" {fconfigure $end -blocking 1}
		chans "blocking read" {read $end 5}
		chans "blocking" {fconfigure $end -blocking 0}
	    }
	}
	39 {
	    set ctx [context]
	    set conn [below $end]
	    if {$conn ne ""} {
		ours "set_context" {$conn set_context $ctx}
		ours "verify" {$ctx set_verify VERIFY_PEER ::fuzz::seen}
	    }
	}
    }
}

# What fileevents do.
proc fuzz::happened {end event what} {
    switch -- $what {
	read {
	    chans "event read" {read $end 100}
	}
	gets {
	    chans "event gets" {gets $end}
	}
	close {
	    chans "event close" {close $end}
	}
	puts {
	    chans "event puts" {puts $end line}
	}
	pump {
	    pump
	}
	shutdown {
	    set conn [below $end]
	    if {$conn ne ""} {
		ours "event shutdown" {$conn shutdown}
	    }
	}
	off {
	    chans "event off" {fileevent $end $event ""}
	}
    }
}

# A transformation that changes nothing, or fails.
proc fuzz::transform {kind method handle args} {
    switch -- $method {
	initialize {
	    return {initialize finalize read write flush drain clear limit?}
	}
	limit? {
	    return -1
	}
	read - write {
	    if {$kind == 2} {
		return -code error -errorcode {FUZZ CALLBACK} "no"
	    }
	    return [lindex $args 0]
	}
    }
    return ""
}
