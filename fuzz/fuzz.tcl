# fuzz.tcl --
#
#	The fuzz targets, and what they have in common.  Sourced by the libFuzzer
#	program (pyosslfuzz.c), by tests/fuzz.test, which replays the corpus in an
#	ordinary tclsh, and run by hand to repeat a finding:
#
#	tclsh fuzz/fuzz.tcl TARGET FILE ?FILE ...?
#	tclsh fuzz/fuzz.tcl targets	their names, and how long an input may be
#
#	A target is a command that is given bytes and does something with them.
#	It gets on with it whatever they are; what may happen is a result or an
#	error of ours.  [fuzz::run] makes sure of the rest: that nothing stays on
#	OpenSSL's queue, that all objects, channels and timers can be taken away,
#	that nothing fails in the background.
#
#	For targets:
#	fuzz::ours WHAT SCRIPT	runs a script of one command; the result, or ""
#				where it failed as it may
#	fuzz::mark TEXT		something was reached; guides libFuzzer
#	fuzz::rest fuzz::byte fuzz::number fuzz::take fuzz::pick fuzz::more
#				read the input, from its beginning
#	fuzz::text BYTES	as characters, be they UTF-8 or not
#	fuzz::key fuzz::certificate	a key, and a certificate for it, always the
#				same ones, bit by bit

package require Tcl 8.6-

namespace eval fuzz {
    variable here [file dirname [file normalize [info script]]]
    variable input ""	;# of the target that runs
    variable at 0	;# where in it
    variable background {}	;# errors that came there
    variable nested 0	;# calls of [ours] that are under way

    # name -> {file command longest-input what}
    variable targets {
	certificate {load certificate 4096 "load_certificate, and all that an x509 can do"}
	request {load request 4096 "load_certificate_request, and all of x509req"}
	key {load loadkey 4096 "load_privatekey in all its forms, and what a key is for"}
	crl {load crl 4096 "load_crl, its entries"}
	pkcs7 {load pkcs7 4096 "load_pkcs7_data"}
	pkcs12 {load pkcs12 6144 "load_pkcs12, and an export of it"}
	spki {load spki 2048 "spki new"}
	session {load session 4096 "a session from elsewhere, offered and used"}
	extension {value extension 512 "the values of extensions, as text and as bytes"}
	name {value name 512 "setting, reading, comparing of names"}
	time {value time 256 "ASN.1 times, written by a script or in a certificate"}
	methods {methods methods 512 "any commands on any objects, in any order"}
	server {handshake server 4096 "a server whose client's flights are changed"}
	client {handshake client 4096 "a client whose server's flights are changed"}
	channel {channel channel 512 "reads, writes, events, closes, imports of channels"}
	codec {codec codec 2048 "the harness' codec: any bytes as any message"}
	fields {codec fields 2048 "the codec on messages whose fields are changed"}
    }
}
if {[namespace which ::fuzz::mark] eq ""} {
    proc fuzz::mark {text} {}
}

# fuzz::start -- loads the package and the targets; more than once does no harm.
proc fuzz::start {} {
    variable here
    variable targets
    variable started
    if {[info exists started]} {
	return
    }
    if {[info exists ::env(PYOSSL_FUZZ_PACKAGE)]} {
	uplevel #0 [list source $::env(PYOSSL_FUZZ_PACKAGE)]
    }
    package require pyossl
    foreach row [dict values $targets] {
	set files([lindex $row 0]) 1
    }
    foreach file [lsort [array names files]] {
	uplevel #0 [list source -encoding utf-8 [file join $here target-$file.tcl]]
    }
    set started 1
}

# fuzz::run target bytes --
#	Gives an input to a target.  An error says what is wrong.
proc fuzz::run {target bytes} {
    variable targets
    variable input $bytes
    variable at 0
    variable background {}
    variable nested 0
    start
    if {![dict exists $targets $target]} {
	return -code error "there is no target \"$target\", but\
		[join [dict keys $targets] {, }]"
    }
    set before [state]
    set handler [interp bgerror {}]
    interp bgerror {} ::fuzz::failed
    try {
	[lindex [dict get $targets $target] 1] $bytes
	sweep $before
	# Tcl keeps errors for when it is idle.
	update idletasks
    } finally {
	interp bgerror {} $handler
    }
    if {$background ne ""} {
	return -code error "in the background: [lindex $background 0]"
    }
    if {[pyossl::Queued] ne ""} {
	return -code error "on OpenSSL's queue: [pyossl::Queued]"
    }
    set left [state]
    if {$left ne $before} {
	return -code error "left over: [without $left $before]; gone:\
		[without $before $left]"
    }
}

# What is in one list and not in the other one.
proc fuzz::without {list other} {
    return [lmap one $list {
	if {$one in $other} {
	    continue
	}
	set one
    }]
}

# What there is: our commands, channels, timers.
proc fuzz::state {} {
    return [concat [lsort [info commands ::pyossl::*]] [lsort [chan names]] \
	    [lsort [after info]]]
}

# An input ends with objects about; most are to go, in the order of their age.
proc fuzz::sweep {before} {
    # Closing a channel takes others and commands with it.
    foreach channel [chan names] {
	if {$channel ni $before && $channel in [chan names]} {
	    catch {fileevent $channel readable {}}
	    catch {fileevent $channel writable {}}
	    closing $channel
	}
    }
    foreach command [lsort -dictionary [info commands ::pyossl::*]] {
	if {$command ni $before && [namespace which $command] ne ""} {
	    $command destroy
	}
    }
    # Channels that are scripts make timers as they close.
    foreach id [after info] {
	if {$id ni $before} {
	    after cancel $id
	}
    }
}

# Closes a channel that a target left.  Tcl's own reasons have no errorCode.
proc fuzz::closing {channel} {
    ours "close at the end" {
	try {
	    close $channel
	} trap NONE {} {}
    }
}

# Errors of the background: ours are an answer too.
proc fuzz::failed {message options} {
    variable background
    if {![allowed [dict get $options -errorcode]]} {
	lappend background [dict get $options -errorinfo]
    }
}

# Is this the errorCode of an error that a script may get?
proc fuzz::allowed {code} {
    if {[catch {lrange $code 0 1} head]} {
	return 0
    }
    switch -- [lindex $head 0] {
	PYOSSL - POSIX {
	    return 1
	}
    }
    return [expr {$head in {{TCL WRONGARGS} {TCL LOOKUP} {TCL VALUE} {FUZZ CALLBACK}}}]
}

# fuzz::ours what script -- see above; what is for [mark].
proc fuzz::ours {what script} {
    variable nested
    incr nested
    set status [catch {uplevel 1 $script} result options]
    incr nested -1
    if {$status == 0} {
	mark $what
	set failed ""
    } else {
	set failed [dict get $options -errorcode]
	if {$status != 1 || ![allowed $failed]} {
	    dict append options -errorinfo "\n    ($what, errorCode $failed)"
	    return -options $options $result
	}
	mark "$what [lrange $failed 0 2][lindex $failed 3 0 end]"
	set result ""
    }
    # In a callback what OpenSSL is about to report may be there.
    if {$nested == 0 && [pyossl::Queued] ne ""} {
	return -code error "$what ($failed) leaves on the queue [pyossl::Queued]"
    }
    return $result
}

#------------------------------------------------------------------------
# The input, taken from its beginning
#------------------------------------------------------------------------

# Is there more of it?
proc fuzz::more {} {
    variable input
    variable at
    return [expr {$at < [string length $input]}]
}

# A number from 0 to 255; 0 behind the end.
proc fuzz::byte {} {
    variable input
    variable at
    set value 0
    binary scan $input @${at}cu value
    incr at
    return $value
}

# A number below a limit that is at most 65536.
proc fuzz::number {limit} {
    if {$limit <= 1} {
	return 0
    }
    set value [byte]
    if {$limit > 256} {
	set value [expr {$value << 8 | [byte]}]
    }
    return [expr {$value % $limit}]
}

# One of a list.
proc fuzz::pick {list} {
    return [lindex $list [number [llength $list]]]
}

# So many bytes, fewer at the end.
proc fuzz::take {count} {
    variable input
    variable at
    set bytes [string range $input $at [expr {$at + $count - 1}]]
    incr at $count
    return $bytes
}

# Bytes as characters.  Where they are no UTF-8 these are still characters:
# [encoding convertfrom] of Tcl 9 has to be told to take them as Tcl 8.6 does.
proc fuzz::text {bytes} {
    if {[package vsatisfies [package provide Tcl] 9.0-]} {
	return [encoding convertfrom -profile tcl8 utf-8 $bytes]
    }
    return [encoding convertfrom utf-8 $bytes]
}

# All that is left.
proc fuzz::rest {} {
    variable input
    return [take [string length $input]]
}

#------------------------------------------------------------------------
# A key and certificates that are the same in each process
#------------------------------------------------------------------------

# The key, for the caller to destroy.  Ed25519 signs without chance.
proc fuzz::key {} {
    return [pyossl::load_privatekey ASN1 [binary decode hex \
	    302e020100300506032b657004220420[string repeat 5a 32]]]
}

# A certificate of that key for localhost, which is good for ever.
proc fuzz::selfsigned {key} {
    set cert [pyossl::x509 new]
    foreach view [list [$cert get_subject] [$cert get_issuer]] {
	$view O fuzz
	$view CN localhost
	$view destroy
    }
    $cert set_version 2
    $cert set_serial_number 1
    $cert set_pubkey $key
    $cert set_notBefore 20200101000000Z
    $cert set_notAfter 99991231235959Z
    foreach {type value} {basicConstraints CA:TRUE subjectAltName DNS:localhost} {
	set extension [pyossl::x509ext new $type 0 $value]
	$cert add_extensions [list $extension]
	$extension destroy
    }
    $cert sign $key ""
    return $cert
}

#------------------------------------------------------------------------
# By hand, and for run.sh
#------------------------------------------------------------------------

# fuzz::keep from to most --
#	Makes a folder of the corpus anew: of the inputs in another folder at most
#	60 of all sizes, and no more than that many bytes.  They are named by
#	what is in them; those that somebody has named otherwise stay.
proc fuzz::keep {from to most} {
    set names [lmap path [glob -nocomplain -directory $from *] {
	list [file size $path] $path
    }]
    foreach path [glob -nocomplain -directory $to *] {
	if {[regexp {^[0-9a-f]{12}$} [file tail $path]]} {
	    file delete $path
	}
    }
    set names [lsort -integer -index 0 [lsort $names]]
    set step [expr {max(1.0, [llength $names] / 60.0)}]
    for {set i 0} {int($i * $step) < [llength $names]} {incr i} {
	lassign [lindex $names [expr {int($i * $step)}]] size path
	if {[incr most -$size] < 0} {
	    break
	}
	file copy $path [file join $to [string range [file tail $path] 0 11]]
    }
}

# fuzz::replay target path ... -- an input at a time; the number of wrong ones.
proc fuzz::replay {target args} {
    set wrong 0
    foreach path $args {
	set channel [open $path rb]
	set bytes [read $channel]
	close $channel
	if {[catch {run $target $bytes} message options]} {
	    incr wrong
	    puts "$path: [dict get $options -errorinfo]"
	} else {
	    puts "$path: ok"
	}
    }
    return $wrong
}

if {[info exists argv0] && [file tail [info script]] eq [file tail $argv0]
	&& $argv ne ""} {
    switch -- [lindex $argv 0] {
	targets {
	    foreach {name row} $fuzz::targets {
		puts "$name [lindex $row 2]"
	    }
	}
	keep {
	    fuzz::keep {*}[lrange $argv 1 end]
	}
	default {
	    exit [expr {[fuzz::replay {*}$argv] > 0}]
	}
    }
}
