# conversing.tcl --
#
#	What the tests of the ready conversations share: good peers, with what is
#	known of their deviations, and bad ones.
#
#	    hold peer ...	what conversations with a good peer have brought
#				that should not be
#	    server name script	runs a script with host and port of a server
#	    client name		the command of a client
#	    bad name script	the same as server with one that misbehaves
#
#	A deviation is a conversation that a peer fails, with the reason: it
#	must go on to fail. They are those of the versions that the tests run
#	with (deviations.tcl); of another version some may be there no more, and
#	that is told.

source [file join [file dirname [info script]] lab.tcl]
source [file join [file dirname [info script]] .. certs.tcl]

# Checks have Tcl keep the lines of all words, which it would not get to give
# back in the interpreter that says exit; these tests do without.
rename interp conversing_interp
proc interp {args} {}
try {
    pyossl::expect::Load conversation.tcl
} finally {
    rename interp {}
    rename conversing_interp interp
}

namespace eval conversing {
    # Seconds for an answer, from a peer that is good and from one that is not
    # expected to give one.
    variable patience [expr {5 * $::common::scale}]
    variable brief [expr {0.25 * $::common::scale}]
    variable deviations
    variable skips
    variable bads {}		;# open channels of bad peers
    variable serial 0
}

# older release ?peer? --
#	Is the library that a peer runs on older than that release? openssl, curl
#	and pyossl need not have the same one.
proc conversing::older {release {peer pyossl}} {
    return [peerolder $peer $release]
}

proc conversing::cert {name} {
    return [file join [certs::dir] $name]
}

# Wine keeps the end of a connection for itself when a reset follows it while
# Tcl is busy with the bytes before; a read finds it. So there, where resets do
# not come through, sockets are read on which nothing has happened since the
# last look. Not sooner: an end that is being told would be told again, and of
# the next socket with that number.
proc conversing::look {{before {}}} {
    set now {}
    try {
	foreach name [info vars ::pyossl::expect::endpoint::data::*] {
	    upvar #0 $name e
	    if {![info exists e(channel)] || ![info exists e(link)]
		    || $e(link) ne "socket"
		    || [chan event $e(channel) readable] eq ""} {
		continue
	    }
	    dict set now $name [llength $e(log)]
	    if {[dict exists $before $name]
		    && [dict get $before $name] == [llength $e(log)]} {
		pyossl::expect::transport::Readable [namespace tail $name]
	    }
	}
    } finally {
	after 100 [list conversing::look $now]
    }
}
if {![testConstraint resets]} {
    conversing::look
}

#------------------------------------------------------------------------
# Good peers
#------------------------------------------------------------------------

# A server of each kind: words, and what it says when it is ready.
proc conversing::server {name script} {
    upvar 1 server server
    switch -- $name {
	openssl {
	    set words [list openssl s_server -accept 127.0.0.1:0 -www \
		-cert [cert server.pem] -key [cert server.key] \
		-dcert [cert server-ec.pem] -dkey [cert server-ec.key]]
	    set ready {ACCEPT 127.0.0.1:(\d+)}
	}
	gnutls {
	    set port [freeport]
	    set words [list gnutls-serv -p $port --http \
		--x509certfile [cert server.pem] \
		--x509keyfile [cert server.key]]
	    set ready {listening on IPv4 .*done}
	}
	pyossl {
	    set words [list {*}[childtclsh] [testfile server.tcl \
		"set auto_path [list $::auto_path]\n$::conversing::ours"] \
		[cert server.pem] [cert server.key]]
	    set ready {port (\d+)}
	}
    }
    set peer [startpeer $words]
    try {
	set found [waitpeeroutput $peer $ready 20000]
	if {$name ne "gnutls"} {
	    set port $found
	}
	set server [list 127.0.0.1 $port]
	uplevel 1 $script
    } finally {
	stoppeer $peer
    }
}

# The extension's own server: what comes goes back.
set conversing::ours {
    package require pyossl
    proc accept {channel host port} {
	chan configure $channel -blocking 0 -translation binary -buffering none
	chan event $channel readable [list echo $channel]
    }
    proc echo {channel} {
	if {[catch {puts -nonewline $channel [read $channel]}]
		|| [eof $channel]} {
	    catch {close $channel}
	}
    }
    proc ignore {args} {}
    interp bgerror {} ignore
    lassign $argv certificate key
    set listener [pyossl::socket -server accept -errorcommand ignore \
	-certfile $certificate -keyfile $key -myaddr 127.0.0.1 0]
    puts "port [lindex [chan configure $listener -sockname] 2]"
    flush stdout
    vwait forever
}

# And its client.
set conversing::oursCalling {
    package require pyossl
    proc ready {} {
	if {[catch {pyossl::handshake $::channel} done] || $done} {
	    chan event $::channel writable {}
	    catch {puts -nonewline $::channel "GET / HTTP/1.0\r\n\r\n"}
	}
    }
    proc receive {} {
	if {[catch {read $::channel}] || [eof $::channel]} {
	    set ::forever 1
	}
    }
    interp bgerror {} receive
    set channel [pyossl::socket -cafile [lindex $argv 1] 127.0.0.1 \
	[lindex $argv 0]]
    chan configure $channel -blocking 0 -translation binary -buffering none
    chan event $channel readable receive
    chan event $channel writable ready
    vwait forever
    catch {close $channel}
}

proc conversing::client {name} {
    switch -- $name {
	openssl {
	    return {openssl s_client -CAfile %ca% -connect 127.0.0.1:%port%}
	}
	openssl12 {
	    return {openssl s_client -tls1_2 -CAfile %ca%
		-connect 127.0.0.1:%port%}
	}
	gnutls {
	    return {gnutls-cli --x509cafile %ca% -p %port% 127.0.0.1}
	}
	curl {
	    return {curl -s --cacert %ca% https://127.0.0.1:%port%/}
	}
	pyossl {
	    return [list {*}[childtclsh] [testfile client.tcl \
		"set auto_path [list $::auto_path]\n$::conversing::oursCalling"] \
		%port% %ca%]
	}
    }
}

# skips peer family ... --
#	Which conversations of these families such a peer skips.
proc conversing::skips {peer args} {
    variable skips
    return [lmap name [dict keys $skips($peer)] {
	expr {[lindex [split $name -] 0] in $args ? $name : [continue]}
    }]
}

# hold peer option value ... --
#	Holds conversations with a good peer: first those that it is to pass,
#	then those that it is to fail. Where an end may be another socket's, what
#	has failed is held once more.
# Results:
#	Those that were skipped; "nothing passed" where that is so; and a line
#	for each that has ended otherwise than it should.
proc conversing::hold {peer args} {
    variable deviations
    variable patience
    variable brief
    set known $deviations($peer)
    set wrong {}
    foreach result [quietly {*}$args -skip [dict keys $known] \
	    -timeout $patience] {
	set name [dict get $result conversation]
	switch -- [dict get $result result] {
	    pass { dict set all $name 1 }
	    fail { dict set wrong $name [dict get $result text] }
	    skip {
		dict set skipped $name [dict get $result text]
	    }
	}
    }
    if {[dict size $wrong] && ![testConstraint ownends]} {
	foreach result [quietly {*}$args -only [dict keys $wrong] \
		-timeout $patience] {
	    if {[dict get $result result] eq "pass"} {
		dict unset wrong [dict get $result conversation]
	    }
	}
    }
    if {[dict size $known]} {
	foreach result [quietly {*}$args -only [dict keys $known] \
		-timeout $brief -deviations $known] {
	    set name [dict get $result conversation]
	    if {[dict get $result result] ne "skip"
		    || ![string match "known: *" [dict get $result text]]} {
		dict set wrong $name [dict get $result text]
	    }
	}
    }
    set told [expr {[info exists skipped] ? [dict keys $skipped] : ""}]
    if {![info exists all]} {
	append told "nothing passed"
    }
    dict for {name text} $wrong {
	append told "\n$name: $text"
    }
    return $told
}

# conversations run, with nothing printed.
proc conversing::quietly {args} {
    upvar #0 ::pyossl::expect::check::watchers watchers
    set saved $watchers
    set watchers {}
    try {
	return [pyossl::expect::conversations run {*}$args]
    } finally {
	set watchers $saved
	pyossl::expect::check::forget
    }
}

#------------------------------------------------------------------------
# Bad servers
#------------------------------------------------------------------------

# bad kind script --
#	Runs a script with server set to {host port} of one of these:
#	    hangs	never says anything
#	    closes	at the first bytes
#	    resets	in the same way, with a reset
#	    alerts	at the first bytes with internal_error, and closes
#	    stays	the same, but does not close
#	    echoes	what comes
#	    answers	all with a whole flight of TLS 1.2
#	    mute	a good server behind a filter that drops its alerts
#	    garbled	a good server behind a filter that alters its hellos
proc conversing::bad {kind script} {
    variable bads
    upvar 1 server server
    if {$kind in {mute garbled}} {
	tailcall conversing::filtered $kind $script
    }
    set listener [socket -server [list conversing::badAccept $kind] \
	-myaddr 127.0.0.1 0]
    set server [list 127.0.0.1 [lindex [chan configure $listener -sockname] 2]]
    try {
	uplevel 1 $script
    } finally {
	foreach channel [concat $listener $bads] {
	    catch {close $channel}
	}
	set bads {}
    }
}

proc conversing::badAccept {kind channel host port} {
    variable bads
    lappend bads $channel
    chan configure $channel -blocking 0 -translation binary -buffering none
    chan event $channel readable [list conversing::misbehave $kind $channel]
}

# What a bad peer does with bytes; most do nothing when they end.
proc conversing::misbehave {kind channel} {
    set bytes [read $channel]
    if {[eof $channel]} {
	chan event $channel readable {}
	return
    }
    catch {
	switch -- $kind {
	    closes {
		close $channel
	    }
	    alerts {
		puts -nonewline $channel \x15\x03\x03\x00\x02\x02\x50
		close $channel
	    }
	    stays {
		puts -nonewline $channel \x15\x03\x03\x00\x02\x02\x50
	    }
	    echoes {
		puts -nonewline $channel $bytes
	    }
	    answers {
		puts -nonewline $channel [flight]
	    }
	}
    }
}

# A flight of TLS 1.2.
proc conversing::flight {} {
    variable bytes
    if {![info exists bytes]} {
	foreach {name fields} {
	    ServerHello {cipher_suite TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
		extensions {}}
	    Certificate {version TLSv1.2 certificate_list abc}
	    ServerKeyExchange {key_exchange ecdhe version TLSv1.2
		namedcurve x25519 public abcdefghijklmnopqrstuvwxyz012345
		signature abc}
	    ServerHelloDone {}
	} {
	    append bytes [pyossl::expect::record::build handshake TLSv1.2 \
		[pyossl::expect::encode $name $fields]]
	}
    }
    return $bytes
}

# A server of the harness with a wire filter on each connection.
proc conversing::filtered {kind script} {
    upvar 1 server server
    set id [spawn -noecho server -certfile [cert server.pem] \
	-keyfile [cert server.key]]
    set server [list 127.0.0.1 [endpoint $id port]]
    expect_before -i $id -accept [format {
	wire $expect_out(spawn_id) out conversing::%s
	exp_continue
    } $kind]
    try {
	uplevel 1 $script
    } finally {
	expect_before
	ends {*}[spawned]
    }
}

# Wire filters: without alerts; with a byte of the ServerHello's version and
# one of its session id altered.
proc conversing::mute {record} {
    return [expr {[dict get $record type] eq "alert" ? {} : [list $record]}]
}
proc conversing::garbled {record} {
    if {[string index [dict get $record fragment] 0] eq "\x02"
	    && [dict get $record type] eq "handshake"} {
	dict set record fragment [string replace [dict get $record fragment] \
	    5 5 \x09]
    }
    return [list $record]
}

#------------------------------------------------------------------------
# Bad clients
#------------------------------------------------------------------------

# They say a ClientHello, and then misbehave:
#	hangs closes alerts stays echoes	as the servers
#	goeson	answers all with a ClientHello, a ClientKeyExchange, a
#		Certificate and data
set conversing::badCalling {
    lassign $argv kind port hello answer
    set channel [socket 127.0.0.1 $port]
    chan configure $channel -blocking 0 -translation binary -buffering none
    puts -nonewline $channel [binary decode hex $hello]
    chan event $channel readable {
	set bytes [read $channel]
	if {[eof $channel]} {
	    # It does not care.
	    chan event $channel readable {}
	} elseif {[catch {
	    switch -- $kind {
		closes { exit }
		alerts {
		    puts -nonewline $channel \x15\x03\x03\x00\x02\x02\x50
		    exit
		}
		stays {
		    puts -nonewline $channel \x15\x03\x03\x00\x02\x02\x50
		}
		echoes {
		    puts -nonewline $channel $bytes
		}
		goeson {
		    puts -nonewline $channel [binary decode hex $answer]
		}
	    }
	}]} {
	    exit
	}
    }
    vwait forever
}

proc conversing::badClient {kind {version {}}} {
    variable badCalling
    foreach {type name fields} {
	handshake ClientHello {}
	handshake Certificate {version TLSv1.2 certificate_list {}}
	handshake ClientKeyExchange {key_exchange ecdhe ecdh_Yc abc}
	application_data ApplicationData {data {GET / HTTP/1.0}}
    } {
	append answer [pyossl::expect::record::build $type TLSv1.2 \
	    [pyossl::expect::encode $name $fields]]
    }
    set hello [pyossl::expect::record::build handshake TLSv1 \
	[pyossl::expect::encode ClientHello [dict merge [list \
	legacy_session_id [string repeat s 32]] [expr {$version eq "" ? {}
	: {extensions {{extension_type extended_master_secret}}}}]]]]
    return [list [info nameofexecutable] [testfile bad.tcl $badCalling] \
	$kind %port% [binary encode hex $hello] [binary encode hex $answer]]
}

source [file join [file dirname [info script]] deviations.tcl]
