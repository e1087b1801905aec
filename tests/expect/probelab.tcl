# probelab.tcl --
#
#	What the tests of probe share: servers of which is known what they do,
#	each asked and then stopped, and what is looked at in a result.

# Far more than a connection on this machine needs.
proc ask {port args} {
    return [probe 127.0.0.1 $port -timeout [expr {10 * $::common::scale}] \
	-progress 0 {*}$args]
}

# Asks s_server, which is started with the words and then stopped.
proc openssl {words args} {
    set peer [startpeer [list openssl s_server -accept 127.0.0.1:0 \
	{*}$words] {ACCEPT 127.0.0.1:(\d+)}]
    try {
	regexp {ACCEPT 127.0.0.1:(\d+)} [peeroutput $peer] - port
	return [ask $port {*}$args]
    } finally {
	stoppeer $peer
    }
}
set rsa [list -cert [certfile server-chain.pem] -key [certfile server.key] \
    -cert_chain [certfile server-chain.pem]]
set ec [list -cert [certfile server-ec.pem] -key [certfile server-ec.key]]

proc gnutls {priority args} {
    set port [freeport]
    set peer [startpeer [list gnutls-serv --echo -p $port --x509certfile \
	[certfile server-chain.pem] --x509keyfile [certfile server.key] \
	--priority $priority] {listening on IPv4 .*done}]
    try {
	return [ask $port {*}$args]
    } finally {
	stoppeer $peer
    }
}

# Asks our own server.
proc own {words args} {
    set server [pyossl::socket -server {apply {{channel host port} {
	chan configure $channel -blocking 0
	chan event $channel readable [list ::ownread $channel]
    }}} -errorcommand list -myaddr 127.0.0.1 {*}$words 0]
    try {
	return [ask [lindex [chan configure $server -sockname] 2] {*}$args]
    } finally {
	close $server
    }
}
proc ownread {channel} {
    if {[catch {read $channel}] || [chan eof $channel]} {
	catch {close $channel}
    }
}

# Asks a server that is only told what to do: a command gets the channel and
# the dict of a ClientHello, and returns the bytes of the answer.
proc fake {answer args} {
    set server [socket -server [list fakeaccept $answer] -myaddr 127.0.0.1 0]
    try {
	return [ask [lindex [chan configure $server -sockname] 2] {*}$args]
    } finally {
	close $server
    }
}
proc fakeaccept {answer channel host port} {
    chan configure $channel -blocking 0 -translation binary -buffering none
    set ::input($channel) ""
    chan event $channel readable [list fakeread $answer $channel]
}
# The whole messages of all that has come on a channel; none, and the channel
# is closed, at its end.
proc came {channel} {
    if {[catch {read $channel} data] || [chan eof $channel]} {
	close $channel
	return {}
    }
    append ::input($channel) $data
    set bytes $::input($channel)
    set joined ""
    foreach record [pyossl::expect::record::split bytes] {
	append joined [dict get $record fragment]
    }
    return [pyossl::expect::message::split joined]
}
proc fakeread {answer channel} {
    foreach message [came $channel] {
	set reply [{*}$answer $channel [decode $message] \
	    $::input($channel)]
	catch {
	    puts -nonewline $channel $reply
	    close $channel
	}
    }
}
# What such servers say.
proc refuse {description {version TLSv1.2}} {
    return [pyossl::expect::record::build alert $version \
	[encode Alert [list level fatal description $description]]]
}
proc say {version args} {
    return [pyossl::expect::record::build handshake $version [join $args ""]]
}
proc extensions {hello} {
    return [lmap extension [dict get $hello extensions] {
	dict get $extension extension_type
    }]
}

# The faults of the certificates, a list for each.
proc faults {result} {
    return [lmap certificate [dict get $result certificates] {
	lsort [lmap fault [dict get $certificate faults] {dict get $fault fault}]
    }]
}
proc findings {result} {
    return [lsort -unique [lmap finding [dict get $result findings] {
	dict get $finding id
    }]]
}

# A certificate made for the test: PEM of itself and its key in one file.
proc made {name type size digest {subject {CN localhost}}
	{extension DNS:localhost}} {
    set key [pyossl::pkey new]
    $key generate_key $type {*}$size
    set cert [pyossl::x509 new]
    set who [$cert get_subject]
    foreach {attribute value} $subject {
	$who set $attribute $value
    }
    $cert set_issuer $who
    $cert set_version 2
    $cert gmtime_adj_notBefore 0
    $cert gmtime_adj_notAfter 100000
    $cert set_pubkey $key
    if {$extension ne ""} {
	set san [pyossl::x509ext new subjectAltName 0 $extension]
	$cert add_extensions [list $san]
	$san destroy
    }
    $cert sign $key $digest
    set path [testfile $name [pyossl::dump_certificate PEM \
	$cert][pyossl::dump_privatekey PEM $key]]
    foreach object [list $who $cert $key] {
	$object destroy
    }
    return $path
}

# A server of TLS 1.2 that answers with what the script puts into fields.
proc tls12 {script channel hello bytes} {
    if {[dict get $hello legacy_version] in {SSLv3 TLSv1 TLSv1.1}
	    || "supported_versions" in [extensions $hello]} {
	return [refuse protocol_version]
    }
    if {"TLS_RSA_WITH_AES_128_CBC_SHA" ni [dict get $hello cipher_suites]} {
	return [refuse handshake_failure]
    }
    set fields {cipher_suite TLS_RSA_WITH_AES_128_CBC_SHA extensions {}}
    set more ""
    eval $script
    return [say TLSv1.2 [encode ServerHello $fields]$more[encode \
	ServerHelloDone]]
}

# What a hello offers: the value of a field of one of its extensions, empty
# without it.
proc offers {hello name field} {
    foreach extension [dict get $hello extensions] {
	if {[dict get $extension extension_type] eq $name} {
	    return [dict get $extension $field]
	}
    }
    return ""
}

# Asks s_server behind a gate: a script sees hello, and what it returns is the
# answer; where that is empty, s_server answers.
proc gate {script words args} {
    set peer [startpeer [list openssl s_server -accept 127.0.0.1:0 \
	{*}$words] {ACCEPT 127.0.0.1:(\d+)}]
    try {
	regexp {ACCEPT 127.0.0.1:(\d+)} [peeroutput $peer] - port
	set server [socket -server [list gateaccept $script $port] \
	    -myaddr 127.0.0.1 0]
	return [ask [lindex [chan configure $server -sockname] 2] {*}$args]
    } finally {
	catch {close $server}
	stoppeer $peer
    }
}
proc gateaccept {script port channel host from} {
    chan configure $channel -blocking 0 -translation binary -buffering none
    set ::input($channel) ""
    chan event $channel readable [list gateread $script $port $channel]
}
proc gateread {script port channel} {
    foreach message [came $channel] {
	set reply [apply [list hello $script] [decode $message]]
	if {$reply ne ""} {
	    catch {puts -nonewline $channel $reply}
	    close $channel
	    return
	}
	set behind [socket 127.0.0.1 $port]
	chan configure $behind -blocking 0 -translation binary
	puts -nonewline $behind $::input($channel)
	flush $behind
	foreach {from to} [list $channel $behind $behind $channel] {
	    chan event $from readable [list frontcopy $from $to]
	}
	return
    }
}
proc frontcopy {from to} {
    if {[catch {
	puts -nonewline $to [read $from]
	flush $to
    }] || [eof $from]} {
	catch {close $from}
	catch {close $to}
    }
}

# A command of the probe is another one for a while.
proc instead {name args body script} {
    # It is there when it was called.
    catch {probe}
    set name ::pyossl::expect::probe::$name
    set there [llength [info commands $name]]
    if {$there} {
	rename $name ${name}Kept
    }
    proc $name $args $body
    try {
	return [uplevel 1 $script]
    } finally {
	rename $name ""
	if {$there} {
	    rename ${name}Kept $name
	}
    }
}
